import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject } from "../lib/json.ts";

const TOKEN_BYTES = 32;
const FILE_BYTES_MAX = 4_096;
/** What 256 random bits take in base64 and in hexadecimal. */
const BASE64_CHARS_MIN = 43;
const HEX_CHARS_MIN = 64;

/** The token in a file: readable by its owner only, 256 bits or more. LEG8023 otherwise. */
export async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    // Without waiting for the other end of a pipe.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      text = await textOf(handle, file);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof LegionError) throw error;
    throw unusable(`the token file ${file} cannot be read: ${messageOf(error)}`, error);
  }
  const token = text.trim();
  const least = /^[0-9a-f]*$/i.test(token) ? HEX_CHARS_MIN : BASE64_CHARS_MIN;
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < least)
    throw unusable(`the token in ${file} is not one line of at least 256 random bits`);
  return token;
}

/** The daemon's own token, made when it is first needed. */
export async function ownToken(stateFolder: string): Promise<string> {
  const file = join(stateFolder, "token");
  try {
    return await readToken(file);
  } catch (error) {
    const cause = error instanceof LegionError ? error.cause : undefined;
    if (!isObject(cause) || cause.code !== "ENOENT") throw error;
  }
  await writeToken(stateFolder, file);
  return await readToken(file);
}

/** Linked into place, so that nobody reads half of it and one that is there meanwhile stays. */
async function writeToken(stateFolder: string, file: string): Promise<void> {
  const temporary = join(stateFolder, `.token-${randomBytes(6).toString("hex")}`);
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${randomBytes(TOKEN_BYTES).toString("base64url")}\n`);
    await handle.sync();
    await link(temporary, file);
  } catch (error) {
    if (!isObject(error) || error.code !== "EEXIST") throw error;
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}

async function textOf(handle: FileHandle, file: string): Promise<string> {
  const { mode, uid, size } = await handle.stat();
  const user = process.getuid?.() ?? uid;
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw unusable(`${file} is not a file`);
  if (uid !== user && uid !== 0) throw unusable(`${file} belongs to another user`);
  if ((mode & 0o077) !== 0)
    throw unusable(
      `others than its owner may read ${file} (mode ${(mode & 0o777).toString(8)})`,
      undefined,
      `run: chmod 600 ${file}`,
    );
  if (size > FILE_BYTES_MAX) throw unusable(`${file} is too large for a token`);
  return await handle.readFile("utf8");
}

function unusable(
  message: string,
  cause?: unknown,
  hint = "make one with: umask 077; openssl rand -hex 32 > FILE",
): LegionError {
  return new LegionError({ code: "LEG8023", message, hint }, cause);
}
