import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import path from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";

const FILE_NAME = "vault.key";
/** AES-256. */
const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;

/** The key of the vaults of a state folder, made where there is none. Only the owner may read it. Throws LEG6080. */
export async function vaultKey(folder: string): Promise<Buffer> {
  const file = path.join(folder, FILE_NAME);
  try {
    const key = (await readKey(file)) ?? (await makeKey(file));
    if (key.length === KEY_BYTES) return key;
  } catch (error) {
    throw unusable(file, messageOf(error), error);
  }
  throw unusable(file, `it does not hold the ${KEY_BYTES} bytes of a key`);
}

async function readKey(file: string): Promise<Buffer | undefined> {
  try {
    // Not behind a link, which somebody else could have laid there.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { mode } = await handle.stat();
    if ((mode & 0o777) !== OWNER_ONLY) await handle.chmod(OWNER_ONLY);
    return await handle.readFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The file gets its name when it is whole and on disk; of two processes that make it at once, one has made it. */
async function makeKey(file: string): Promise<Buffer> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await using handle = await open(draft, "wx", OWNER_ONLY);
    await handle.writeFile(randomBytes(KEY_BYTES));
    await handle.sync();
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await using folder = await open(path.dirname(file), constants.O_RDONLY);
  await folder.sync();
  const key = await readKey(file);
  if (key === undefined) throw new Error("it was removed while it was made");
  return key;
}

function unusable(file: string, reason: string, cause?: unknown): LegionError {
  return new LegionError(
    {
      code: "LEG6080",
      message: `the key of the vaults in ${file} cannot be used: ${reason}`,
      hint: "make the file readable and writable for this user, or put back a copy of it",
    },
    cause,
  );
}
