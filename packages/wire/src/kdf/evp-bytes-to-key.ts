import { createHash } from "node:crypto";

/**
 * OpenSSL's EVP_BytesToKey with MD5, no salt and one round, as every Shadowsocks implementation turns a password into a master key:
 * D1 = MD5(password), Di = MD5(D(i-1) ‖ password), concatenated and cut to `length` bytes. The password counts as UTF-8.
 */
export function evpBytesToKey(password: string, length: number): Buffer {
  const key = Buffer.alloc(length);
  let digest = Buffer.alloc(0);
  for (let filled = 0; filled < length; filled += digest.length) {
    digest = createHash("md5").update(digest).update(password, "utf8").digest();
    digest.copy(key, filled);
  }
  return key;
}
