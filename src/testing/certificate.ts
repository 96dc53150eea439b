import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

const authority = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
copy_extensions = copy
[names]
commonName = supplied
`;

/** A certificate that signs itself, for these names, from one moment to another. */
export async function testCertificate({
  names = ["DNS:localhost", "IP:127.0.0.1"],
  from = new Date(Date.now() - 3_600_000),
  until = new Date(Date.now() + 30 * 86_400_000),
}: {
  names?: readonly string[];
  from?: Date;
  until?: Date;
} = {}): Promise<TestCertificate> {
  const cwd = await mkdtemp(path.join(tmpdir(), "legion-certificate-"));
  const openssl = (...words: readonly string[]) => promisify(execFile)("openssl", words, { cwd });
  try {
    await writeFile(path.join(cwd, "authority"), authority);
    await writeFile(path.join(cwd, "index.txt"), "");
    await writeFile(path.join(cwd, "serial"), "01");
    await openssl(
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost"],
      ...["-addext", `subjectAltName=${names.join(",")}`],
    );
    await openssl(
      ...["ca", "-batch", "-selfsign", "-notext", "-config", "authority", "-keyfile", "key.pem"],
      ...["-in", "request.pem", "-out", "cert.pem"],
      ...["-startdate", asn1(from), "-enddate", asn1(until)],
    );
    const read = (name: string) => readFile(path.join(cwd, name), "utf8");
    return { cert: await read("cert.pem"), key: await read("key.pem") };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/** As certificates write a moment: `20260131235959Z`. */
function asn1(moment: Date): string {
  return `${moment.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
}
