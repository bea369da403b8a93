import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of secret files that goes away with its scope. */
export class SecretFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "shadowfleet-secrets-"));

  /** Writes a file and gives its path. */
  file(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** A certificate authority: its certificate's path. */
  authority(name: string): string {
    this.#openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
    );
    return join(this.path, `${name}.crt`);
  }

  /** A certificate for 127.0.0.1 and localhost, signed by the authority. */
  certificate(name: string, authority: string): { readonly certFile: string; readonly keyFile: string } {
    this.file(`${name}.ext`, "subjectAltName=DNS:localhost,IP:127.0.0.1");
    this.#openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    const sign = ["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`];
    this.#openssl("x509", "-req", "-in", `${name}.csr`, ...sign, "-out", `${name}.crt`);
    return { certFile: join(this.path, `${name}.crt`), keyFile: join(this.path, `${name}.key`) };
  }

  read(name: string): Buffer {
    return readFileSync(join(this.path, name));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.path, stdio: "pipe" });
  }
}
