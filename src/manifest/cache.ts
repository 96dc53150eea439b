import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import type { CleanSet } from "./clean-set.ts";
import { schemas } from "./generated/schemas.ts";
import { CACHE_BYTES_MAX, CACHE_TIDY_BYTES } from "./limits.ts";
import type { FileStamp } from "./stamp.ts";

/** What is remembered of a text: its documents, variables not replaced, and what was found out about its manifests. */
export interface CachedText {
  /** Every document, null for empty ones. */
  readonly documents: readonly Json[];
  /** For each manifest of the text the hash of its spec, when nothing is wrong with it in any environment. */
  readonly specHashes: readonly (string | null)[];
  /** Likewise the hash of its spec as it is written. */
  readonly sentHashes: readonly (string | null)[];
}

/** What a file held when it was read, and the stamp that it had then, once that is to be trusted. */
export interface SeenFile {
  readonly digest: string;
  readonly stamp: FileStamp;
}

/**
 * Remembers texts by their content between processes, and what files held. It may be deleted or damaged at any time: what
 * cannot be used is read from the manifests again. One file: a line for the version, a line with a checksum for each text,
 * and one for all files that a load learnt of.
 */
export interface TextCache {
  get(key: string): CachedText | undefined;
  /** What is known of the file at a path. */
  file(path: string): SeenFile | undefined;
  /** The digest of a set in which the checks found nothing, by the hash of what they looked at. */
  cleanSet(hash: string): string | undefined;
  /**
   * Adds texts by their keys, and files by their paths. `used` gives the keys of all that is in use; the rest may be
   * forgotten. False when the folder is not there: it is not made for this.
   */
  save(
    texts: ReadonlyMap<string, CachedText>,
    used: () => ReadonlySet<string>,
    files?: ReadonlyMap<string, SeenFile>,
    clean?: CleanSet,
  ): boolean;
}

/** What the cache calls a set in which nothing was found. */
export function setKey(hash: string): string {
  return `set:${hash}`;
}

/** What the cache calls the file at a path. */
export function fileKey(path: string): string {
  return `file:${path}`;
}

const FILE_NAME = "manifests.cache";
/** Grows when the lines get another form. */
const FORM = 3;

/** The cache in a folder. */
export function createTextCache(folder: string): TextCache {
  const path = join(folder, FILE_NAME);
  const header = Buffer.from(`legion manifests ${fingerprint()}\n`);
  let lines: Lines | undefined;
  let seenFiles: SeenFiles | undefined;
  const read = () => {
    lines ??= linesOf(contentOf(path, header), header.length);
    return lines;
  };
  return {
    get(key) {
      const line = read().get(key);
      const value = line && valueIn(line, key);
      return value && { documents: value[0], specHashes: value[1], sentHashes: value[2] };
    },
    file(place) {
      seenFiles ??= filesIn(read());
      return seenFiles.get(place);
    },
    cleanSet(hash) {
      const line = read().get(setKey(hash));
      return line && valueIn(line, setKey(hash))?.[0];
    },
    save(texts, used, files = new Map(), clean = undefined) {
      // What was read has served by now; another process may have changed the file meanwhile.
      lines = undefined;
      seenFiles = undefined;
      if (texts.size === 0 && files.size === 0 && clean === undefined) return true;
      if (!existsSync(folder)) return false;
      const added = [...texts].map(([key, { documents, specHashes, sentHashes }]) =>
        lineOf(key, [documents, specHashes, sentHashes]),
      );
      if (files.size > 0) added.push(lineOfFiles(files));
      if (clean !== undefined) added.push(lineOf(setKey(clean.hash), [clean.digest]));
      try {
        write(path, header, added, used);
      } catch {
        // A full disk or a folder that cannot be written makes the next start slower, nothing else.
      }
      return true;
    },
  };

  function write(
    file: string,
    head: Buffer,
    added: readonly Buffer[],
    used: () => ReadonlySet<string>,
  ): void {
    const size = sizeOf(file, head);
    const more = added.reduce((sum, line) => sum + line.length, 0);
    if (size !== undefined && size + more <= CACHE_TIDY_BYTES) {
      appendFileSync(file, Buffer.concat(added), { mode: 0o600 });
      return;
    }
    const keys = used();
    const known = linesOf(contentOf(file, head), head.length);
    const files = [...filesIn(known)].filter(([place]) => keys.has(fileKey(place)));
    const texts = [...known].filter(([key]) => keys.has(key)).map(([, line]) => line);
    // Of two lines that know a file the later one counts: what is added.
    const kept = [lineOfFiles(new Map(files)), ...added, ...texts];
    replace(file, [head, ...bounded(kept, head.length)]);
  }
}

/** What makes another program read other things in the same text. */
function fingerprint(): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8"));
  return canonicalHash([FORM, version, schemas as unknown as Json]);
}

type Lines = ReadonlyMap<string, Buffer>;

const CHECKSUM_LENGTH = 8;
const NEWLINE = 10;
const SPACE = 32;
/** What the keys of lines of files begin with. One line for many files is read in a tenth of the time of as many lines. */
const FILES = "files:";

/** The lines by key, the last one of each; they are checked when they are used. */
function linesOf(content: Buffer, from: number): Lines {
  const lines = new Map<string, Buffer>();
  for (let start = from, end = 0; start < content.length; start = end) {
    const newline = content.indexOf(NEWLINE, start);
    end = newline === -1 ? content.length : newline + 1;
    const keyStart = start + CHECKSUM_LENGTH + 1;
    const keyEnd = content.indexOf(SPACE, keyStart);
    if (keyEnd === -1 || keyEnd > end || newline === -1) continue;
    lines.set(content.toString("latin1", keyStart, keyEnd), content.subarray(start, end));
  }
  return lines;
}

function lineOf(key: string, value: readonly unknown[]): Buffer {
  const body = Buffer.from(`${key} ${JSON.stringify(value)}`);
  return Buffer.concat([Buffer.from(`${checksum(body)} `), body, Buffer.from("\n")]);
}

type SeenFiles = ReadonlyMap<string, SeenFile>;

function lineOfFiles(files: SeenFiles): Buffer {
  const rows = [...files].map(([path, { digest, stamp }]) => [path, digest, stamp]);
  return lineOf(`${FILES}${randomBytes(6).toString("hex")}`, rows);
}

/** The files that the lines know; what was told last of each. */
function filesIn(lines: Lines): SeenFiles {
  const files = new Map<string, SeenFile>();
  for (const [key, line] of lines) {
    if (!key.startsWith(FILES)) continue;
    for (const [path, digest, stamp] of valueIn(line, key) ?? [])
      files.set(path, { digest, stamp });
  }
  return files;
}

/** The value that a line was made of; undefined when the line is damaged. */
function valueIn(line: Buffer, key: string) {
  const body = line.subarray(CHECKSUM_LENGTH + 1, -1);
  if (line.toString("latin1", 0, CHECKSUM_LENGTH) !== checksum(body)) return undefined;
  return JSON.parse(body.toString("utf8", key.length + 1));
}

function checksum(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(CHECKSUM_LENGTH, "0");
}

/** The file, when it is of this version and nobody else can have written it; else as if it were empty. */
function contentOf(file: string, header: Buffer): Buffer {
  let handle: number | undefined;
  try {
    handle = openOwn(file);
    const content = handle === undefined ? header : readFileSync(handle);
    return content.subarray(0, header.length).equals(header) ? content : header;
  } catch {
    return header;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/** How large the file is; undefined when it cannot be added to. */
function sizeOf(file: string, header: Buffer): number | undefined {
  let handle: number | undefined;
  try {
    handle = openOwn(file);
    if (handle === undefined) return undefined;
    const start = Buffer.alloc(header.length);
    const { size } = fstatSync(handle);
    readSync(handle, start, 0, start.length, 0);
    return start.equals(header) ? size : undefined;
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function openOwn(file: string): number | undefined {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const status = fstatSync(handle);
  // Whatever came with a repository is open to others under the usual umask, and may say what its manifests do not.
  const isOwn = status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
  if (status.isFile() && isOwn && status.size <= CACHE_BYTES_MAX) return handle;
  closeSync(handle);
  return undefined;
}

/** As many lines as fit. */
function bounded(lines: readonly Buffer[], from: number): readonly Buffer[] {
  let total = from;
  return lines.filter((line) => {
    total += line.length;
    return total <= CACHE_BYTES_MAX;
  });
}

/** A reader sees the old file or the new one. */
function replace(file: string, parts: readonly Buffer[]): void {
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(fresh, Buffer.concat(parts), { mode: 0o600, flag: "wx" });
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}
