// Goal: what only tools may read is not on disk in a form that anybody can read without the key, and the key is the owner's alone (0600).
// Method: real folders; the bytes of all files are searched; rows and keys are changed and moved.
import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { openDatabase } from "./database.ts";
import { vaultKey } from "./vault-key.ts";
import { openSqliteVaults } from "./vaults-sqlite.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-vaults-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

async function open(folder = newFolder()) {
  const database = await openDatabase(folder);
  return { folder, database, vaults: openSqliteVaults(database, { clock: manualClock() }) };
}

test("a vault comes back as it was kept, also in another process, until it is forgotten", async () => {
  const first = await open();
  await first.vaults.keep("r1", { user: "é", n: [1] });
  await first.vaults.keep("r1", { user: "è", n: [1] });
  first.database.close();
  const again = await open(first.folder);
  assert.deepEqual(await again.vaults.read("r1"), { user: "è", n: [1] });
  assert.equal(await again.vaults.read("r2"), undefined);
  await again.vaults.forget("r1");
  assert.equal(await again.vaults.read("r1"), undefined);
  again.database.close();
});

test("no file of the folder holds a value or a name of the vault, and the key is for the owner only", async () => {
  const { folder, vaults, database } = await open();
  const canary = "canary-4711-value";
  await vaults.keep("r1", { canaryName: canary });
  for (const name of await readdir(folder)) {
    const bytes = await readFile(path.join(folder, name));
    for (const word of [canary, "canaryName", Buffer.from(canary).toString("base64").slice(0, 20)])
      assert.ok(!bytes.includes(word), `${name} holds ${word}`);
  }
  const file = path.join(folder, "vault.key");
  assert.deepEqual([(await stat(file)).mode & 0o777, (await stat(file)).size], [0o600, 32]);
  assert.ok((await readdir(folder)).every((name) => !/vault\.key\../.test(name)));
  database.close();
});

test("a vault that was changed, moved to another run, or kept with another key does not open", async () => {
  const { folder, vaults, database } = await open();
  await vaults.keep("r1", { user: "u" });
  const [row] = database.query("SELECT body FROM vaults");
  const body = Buffer.from(row?.body as Uint8Array);
  const refused = { code: "LEG6081", message: /vault of r[12] cannot be opened/ };
  for (let at = 0; at < body.length; at += 1) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 1;
    database.query("UPDATE vaults SET body = ?", changed);
    await assert.rejects(vaults.read("r1"), refused, `byte ${at}`);
  }
  for (const length of [0, 11, 27, body.length - 1]) {
    database.query("UPDATE vaults SET body = ?", body.subarray(0, length));
    await assert.rejects(vaults.read("r1"), refused, `${length} bytes`);
  }
  database.query("UPDATE vaults SET body = ?, run = 'r2'", body);
  await assert.rejects(vaults.read("r2"), refused);
  database.query("UPDATE vaults SET run = 'r1'");
  assert.deepEqual(await vaults.read("r1"), { user: "u" });
  await rm(path.join(folder, "vault.key"));
  database.close();
  const again = await open(folder);
  await assert.rejects(again.vaults.read("r1"), refused);
  again.database.close();
});

test("two processes that make the key at once have the same one; a key that others may read is tightened", async () => {
  const folder = path.join(root, "together");
  await mkdir(folder);
  const keys = await Promise.all(Array.from({ length: 8 }, () => vaultKey(folder)));
  assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, 1);
  const file = path.join(folder, "vault.key");
  await chmod(file, 0o644);
  assert.deepEqual(await vaultKey(folder), keys[0]);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("a file that is no key, or a link, is refused with its path, and works again once it was put right", async () => {
  const { folder, vaults, database } = await open();
  const file = path.join(folder, "vault.key");
  const refused = { code: "LEG6080", message: new RegExp(`${file} cannot be used`) };
  await writeFile(file, "short");
  await assert.rejects(vaults.keep("r1", {}), refused);
  await rm(file);
  await writeFile(path.join(folder, "elsewhere"), Buffer.alloc(32));
  await symlink(path.join(folder, "elsewhere"), file);
  await assert.rejects(vaults.keep("r1", {}), refused);
  await rm(file);
  await vaults.keep("r1", { user: "u" });
  assert.deepEqual(await vaults.read("r1"), { user: "u" });
  database.close();
});
