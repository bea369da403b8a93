const UNITS = ["", "k", "M", "G", "T", "P", "E"] as const;

/** "1.23 GB": powers of 1000, three digits, as traffic is sold and as quotas are written. Exact below 1000 bytes. */
export function formatBytes(bytes: bigint): string {
  return scaled(Number(bytes), "B");
}

/** "1234567": every digit. */
export function formatExactBytes(bytes: bigint): string {
  return bytes.toString();
}

/** "12.3 Mbit/s": powers of 1000 of bits a second, as lines and rate limits are named. */
export function formatRate(bytesPerSecond: number): string {
  return scaled(bytesPerSecond * 8, "bit/s");
}

/** "20.0 Mbit/s": a rate that is given in bits. */
export function formatBits(bitsPerSecond: bigint): string {
  return scaled(Number(bitsPerSecond), "bit/s");
}

/** "12.5 %", "<0.1 %" for what is more than nothing. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  return `${Number(percent.toFixed(1))} %`;
}

function scaled(amount: number, unit: string): string {
  let value = amount;
  let step = 0;
  // What three digits would show as 1000 is 1 of the next unit.
  while (Number(value.toPrecision(3)) >= 1000 && step < UNITS.length - 1) {
    value /= 1000;
    step++;
  }
  const digits = step === 0 ? String(Math.round(value)) : value.toPrecision(3);
  return `${digits} ${UNITS[step]}${unit}`;
}
