// Goal: a secret is read from where the manifest says and nowhere else, and an error never holds it.
// Method: real files, links and programs in a temporary manifest root; a table of references.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { providerObject } from "../testing/objects.ts";
import { createSecrets, type SecretReference } from "./secrets.ts";

const CANARY = "canary-5f1c+/=Z";
const base = mkdtempSync(join(tmpdir(), "legion-secrets-"));
after(() => rmSync(base, { recursive: true }));
const root = join(base, "manifests");
mkdirSync(join(root, "keys"), { recursive: true });

function file(path: string, content: string, mode = 0o600): void {
  writeFileSync(join(base, path), content);
  chmodSync(join(base, path), mode);
}

file("outside.key", `${CANARY}\n`);
file("manifests/keys/good", `${CANARY}\n`);
file("manifests/keys/read-only", CANARY, 0o400);
file("manifests/keys/crlf", `${CANARY}\r\n`);
file("manifests/keys/empty", "\n");
file("manifests/keys/group", CANARY, 0o640);
file("manifests/keys/world", CANARY, 0o604);
file("manifests/keys/executable", CANARY, 0o700);
file("manifests/keys/large", "x".repeat(64 * 1024 + 1));
file("manifests/keys/two-lines", `${CANARY}\nsecond\n`);
file("manifests/print.sh", `#!/bin/sh\necho ${CANARY}\n`, 0o700);
symlinkSync(join(root, "keys/good"), join(root, "keys/link-inside"));
symlinkSync(join(base, "outside.key"), join(root, "keys/link-outside"));
symlinkSync(join(root, "keys/loop"), join(root, "keys/loop"));
execFileSync("mkfifo", ["-m", "600", join(root, "keys/fifo")]);

const object = providerObject("openai", { wire: "openai-chat" }, root);
// As somebody sees it who stands in the folder above.
const source = { ...object.source, shown: "manifests/provider-openai.yaml" };
const place = { object: { ...object, source }, field: "spec.apiKey" };
const { signal } = new AbortController();
const env = {
  SET: CANARY,
  EMPTY: "",
  PATH: process.env.PATH,
  HOME: "/nowhere",
  OTHER_KEY: "leaked",
};
const create = () => createSecrets({ env, clock: manualClock() });

const found: readonly {
  readonly name: string;
  readonly from: SecretReference;
  readonly want?: string;
}[] = [
  { name: "a variable", from: { env: "SET" } },
  { name: "a file", from: { file: "keys/good" } },
  { name: "a file that even its owner cannot write", from: { file: "keys/read-only" } },
  { name: "a file with a line end of CR LF", from: { file: "keys/crlf" } },
  { name: "a link within the manifest root", from: { file: "keys/link-inside" } },
  { name: "a program", from: { exec: ["printf", "%s\\n", CANARY] } },
  { name: "a program of the manifest's folder", from: { exec: ["./print.sh"] } },
  {
    name: "the first of several places that has a value",
    from: [
      { env: "UNSET" },
      { env: "EMPTY" },
      { file: "keys/none" },
      { file: "keys/empty" },
      { exec: ["printf", CANARY] },
      { env: "OTHER_KEY" },
    ],
  },
  {
    name: "a program that sees no other variable",
    from: { exec: ["sh", "-c", 'printf "%s" "$OTHER_KEY$SET-$HOME"'] },
    want: "-/nowhere",
  },
];

for (const { name, from, want = CANARY } of found) {
  test(`the secret comes from ${name}`, async () => {
    assert.equal(await create().resolve(from, place, signal), want);
  });
}

const LOAD_ABOVE = "move it below the manifest root, or load a folder that holds both: -f FOLDER";

const refused: readonly {
  readonly name: string;
  readonly from: SecretReference;
  readonly code: string;
  readonly says: RegExp;
  readonly next?: string;
}[] = [
  {
    name: "a variable that is not set",
    from: { env: "UNSET" },
    code: "LEG5050",
    says: /no secret for spec\.apiKey of provider\/openai: the variable UNSET is not set/,
  },
  {
    name: "several places without a value",
    from: [{ env: "UNSET" }, { file: "keys/none" }],
    code: "LEG5050",
    says: /UNSET is not set, the file "keys\/none" does not exist$/,
    next: "set UNSET, or write the secret to manifests/keys/none, with mode 0600",
  },
  {
    name: "a file that does not exist",
    from: { file: "keys/none" },
    code: "LEG5050",
    says: /: the file "keys\/none" does not exist$/,
    next: "write the secret to manifests/keys/none, with mode 0600",
  },
  {
    name: "an empty file",
    from: { file: "keys/empty" },
    code: "LEG5050",
    says: /: the file "keys\/empty" is empty$/,
    next: "write the secret to manifests/keys/empty",
  },
  {
    name: "S22: a path out of the manifest root",
    from: { file: "../outside.key" },
    code: "LEG5051",
    says: /"\.\.\/outside\.key" .* stands outside of the manifest root "manifests"$/,
    next: LOAD_ABOVE,
  },
  {
    name: "S22: a path out of the manifest root to nothing",
    from: { file: "../absent.key" },
    code: "LEG5051",
    says: /stands outside of the manifest root "manifests"$/,
    next: LOAD_ABOVE,
  },
  {
    name: "S22: an absolute path out of it",
    from: { file: join(base, "outside.key") },
    code: "LEG5051",
    says: /stands outside of/,
  },
  {
    name: "S22: a link out of it",
    from: { file: "keys/link-outside" },
    code: "LEG5051",
    says: /is a link that leads outside of the manifest root "manifests"$/,
    next: LOAD_ABOVE,
  },
  {
    name: "S22: a link to itself",
    from: { file: "keys/loop" },
    code: "LEG5051",
    says: /cannot be reached \(ELOOP\)/,
    next: "check the path and the rights on it",
  },
  {
    name: "a path through a file",
    from: { file: "keys/good/key" },
    code: "LEG5051",
    says: /cannot be reached \(ENOTDIR\)/,
  },
  {
    name: "S22: a file that the group may read",
    from: { file: "keys/group" },
    code: "LEG5051",
    says: /has mode 0640/,
    next: "run: chmod 600 manifests/keys/group",
  },
  {
    name: "S22: a file that all may read",
    from: { file: "keys/world" },
    code: "LEG5051",
    says: /has mode 0604/,
  },
  {
    name: "S22: a file that may be executed",
    from: { file: "keys/executable" },
    code: "LEG5051",
    says: /has mode 0700/,
  },
  {
    name: "S22: a folder",
    from: { file: "keys" },
    code: "LEG5051",
    says: /is not a regular file$/,
    next: "name a file that holds the secret and nothing else",
  },
  {
    name: "S22: a FIFO, without waiting for its writer",
    from: { file: "keys/fifo" },
    code: "LEG5051",
    says: /not a regular file/,
  },
  { name: "S22: a device", from: { file: "/dev/zero" }, code: "LEG5051", says: /stands outside/ },
  {
    name: "a file above the cap",
    from: { file: "keys/large" },
    code: "LEG5051",
    says: /larger than 64 KiB/,
  },
  {
    name: "a file of two lines",
    from: { file: "keys/two-lines" },
    code: "LEG5053",
    says: /line break/,
  },
  {
    name: "a program that fails",
    from: { exec: ["sh", "-c", `echo ${CANARY}; exit 3`] },
    code: "LEG5052",
    says: /"sh" .* failed with exit code 3/,
  },
  {
    name: "a program that does not exist",
    from: { exec: ["./absent"] },
    code: "LEG5052",
    says: /could not be started/,
  },
  {
    name: "a program that writes nothing",
    from: { exec: ["true"] },
    code: "LEG5050",
    says: /"true" wrote nothing/,
    next: 'make "true" write the secret',
  },
  {
    name: "a program that writes without end",
    from: { exec: ["yes", CANARY] },
    code: "LEG5052",
    says: /more than 64 KiB/,
  },
  {
    name: "words of a shell, because there is none",
    from: { exec: [`echo ${CANARY}`] },
    code: "LEG5052",
    says: /could not be started/,
  },
];

for (const { name, from, code, says, next } of refused) {
  test(`${name} gives ${code}, without the secret in it`, async () => {
    const error = await create()
      .resolve(from, place, signal)
      .then(
        () => assert.fail("resolved"),
        (thrown: unknown) => thrown,
      );
    assert.ok(error instanceof LegionError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
    if (next !== undefined) assert.equal(error.hint, next);
    const told = JSON.stringify({ ...error.toJSON(), stack: error.stack });
    if (!JSON.stringify(from).includes(CANARY)) assert.ok(!told.includes(CANARY));
  });
}

test("S24: a file that changes counts at once, a program's output after a minute", async () => {
  const clock = manualClock();
  const secrets = createSecrets({ env, clock });
  file("manifests/keys/rotated", "first-value");
  const programs = { exec: ["cat", "keys/rotated"] };
  assert.equal(await secrets.resolve({ file: "keys/rotated" }, place, signal), "first-value");
  assert.equal(await secrets.resolve(programs, place, signal), "first-value");
  file("manifests/keys/rotated", "second-value");
  assert.equal(await secrets.resolve({ file: "keys/rotated" }, place, signal), "second-value");
  assert.equal(await secrets.resolve(programs, place, signal), "first-value");
  clock.advance(60_000);
  assert.equal(await secrets.resolve(programs, place, signal), "second-value");
  assert.equal(secrets.redactor.redact("first-value second-value"), "[redacted] [redacted]");
});

test("what is missing is told without reading a file or running a program, and only when it is plain", () => {
  const secrets = create();
  assert.equal(secrets.missing({ env: "UNSET" }, place)?.hint, "set UNSET");
  assert.equal(
    secrets.missing([{ env: "UNSET" }, { env: "EMPTY" }], place)?.hint,
    "set UNSET, or set EMPTY",
  );
  assert.equal(secrets.missing({ env: "SET" }, place), undefined);
  assert.equal(secrets.missing([{ env: "UNSET" }, { file: "keys/none" }], place), undefined);
});
