import { existsSync } from "node:fs";
import { glob } from "node:fs/promises";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import { formatDuration, formatSize } from "../lib/quantities.ts";
import type { ManifestInput } from "../manifest/loader-files.ts";
import { type PinnedContent, sha256 } from "./pinned-content.ts";

/** What the inputs of a command are read with. */
export interface InputSurroundings {
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Everything on standard input. */
  readonly readStdin: () => Promise<Buffer>;
  /** Where content that is pinned is kept. */
  readonly pinned?: PinnedContent | undefined;
  readonly timeoutMs?: number;
}

const URL_BYTES_MAX = 2 * 2 ** 20;
const URL_TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 5;

/**
 * What `-f` names, as the loader takes it: files, folders, patterns (a pattern that is the name of a file is that file), - for
 * standard input, and URLs. Throws LEG7041 for a pattern without a file, LEG7042 to LEG7044 for what a URL serves.
 */
export async function readManifestInputs(
  inputs: readonly string[],
  surroundings: InputSurroundings,
): Promise<readonly ManifestInput[]> {
  const read = await Promise.all(inputs.map((input) => readInput(input, surroundings)));
  return read.flat();
}

async function readInput(
  input: string,
  surroundings: InputSurroundings,
): Promise<readonly ManifestInput[]> {
  const { cwd, readStdin } = surroundings;
  if (input === "-") return [{ filename: "<stdin>", bytes: await readStdin() }];
  if (/^https?:\/\//i.test(input)) return [await readUrl(input, surroundings)];
  if (!/[*?[{]/.test(input) || existsSync(resolve(cwd, input))) return [input];
  const found = await Array.fromAsync(glob(input, { cwd }));
  if (found.length > 0) return found.toSorted();
  throw new LegionError({
    code: "LEG7041",
    message: `no file or folder matches "${input}"`,
    hint: "correct the pattern: * stands for a part of a name, ** for folders",
  });
}

async function readUrl(text: string, surroundings: InputSurroundings): Promise<ManifestInput> {
  const { url, digest } = pinnedUrl(text);
  const { pinned } = surroundings;
  const kept = digest === undefined ? undefined : await pinned?.get(digest);
  if (kept !== undefined) return { filename: url.href, bytes: kept, isRemote: true };
  const bytes = await download(url, surroundings);
  const received = sha256(bytes);
  if (digest === undefined && !isLoopback(url)) {
    throw new LegionError({
      code: "LEG7043",
      message: `${url} is not pinned; it serves content with the digest sha256=${received}`,
      hint: `read what it serves, and if it is right write ${url}#sha256=${received}`,
      example: `${url}#sha256=${received}`,
    });
  }
  if (digest !== undefined && digest !== received) {
    throw new LegionError({
      code: "LEG7044",
      message: `${url} serves content with the digest sha256=${received}, but sha256=${digest} is pinned`,
      hint: "read the new content, and pin its digest if it is right",
    });
  }
  if (digest !== undefined) await pinned?.keep(digest, bytes);
  return { filename: url.href, bytes, isRemote: true };
}

function pinnedUrl(text: string): { readonly url: URL; readonly digest?: string } {
  if (!URL.canParse(text)) throw unusable(text, "it is not a URL", "correct it");
  const url = new URL(text);
  const { hash } = url;
  url.hash = "";
  if (url.username !== "" || url.password !== "")
    throw unusable(
      url.host,
      "it holds a user or password",
      "download the file with another program, and name the file",
    );
  if (hash === "") return { url };
  const digest = /^#sha256=([0-9a-f]{64})$/i.exec(hash)?.[1]?.toLowerCase();
  if (digest !== undefined) return { url, digest };
  throw unusable(
    url.href,
    `"${hash}" is not a digest`,
    "write #sha256= and the 64 hexadecimal digits of the content's SHA-256",
  );
}

/** The body that a URL serves. Redirects are followed as long as they stay on the host. */
async function download(url: URL, surroundings: InputSurroundings): Promise<Buffer> {
  const { signal, timeoutMs = URL_TIMEOUT_MS } = surroundings;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await followed(url, url, deadline, REDIRECTS_MAX);
  } catch (error) {
    if (error instanceof LegionError) throw error;
    if (signal.aborted)
      throw new LegionError({
        code: "LEG7007",
        message: `interrupted while reading ${url}`,
        hint: "run it again",
      });
    const late = deadline.aborted
      ? `no whole answer within ${formatDuration(timeoutMs)}`
      : undefined;
    throw unusable(url.href, late ?? reasonOf(error), "check the URL and the network", error);
  }
}

async function followed(
  url: URL,
  first: URL,
  signal: AbortSignal,
  redirects: number,
): Promise<Buffer> {
  const response = await fetch(url, {
    signal,
    redirect: "manual",
    headers: { accept: "application/yaml, application/json, text/*;q=0.9, */*;q=0.1" },
  });
  const target = response.headers.get("location");
  if (response.status >= 300 && response.status < 400 && target !== null) {
    await response.body?.cancel();
    const next = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
    if (next === undefined || next.origin !== first.origin)
      throw unusable(first.href, `it leads to another place, ${next?.href ?? target}`, "name that");
    if (redirects === 0) throw unusable(first.href, "it leads on without end", "correct it");
    return followed(next, first, signal, redirects - 1);
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw unusable(first.href, `the server answers ${response.status}`, "check the URL");
  }
  return bodyOf(response, first);
}

async function bodyOf(response: Response, url: URL): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // What the server says of the length is not relied on.
    if (bytes > URL_BYTES_MAX)
      throw unusable(
        url.href,
        `it serves more than the ${formatSize(URL_BYTES_MAX)} that one file may have`,
        "split it into several files",
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** fetch says only that it failed; the cause says why. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? `no connection (${code})` : messageOf(cause ?? error);
}

function unusable(what: string, why: string, hint: string, cause?: unknown): LegionError {
  return new LegionError({ code: "LEG7042", message: `cannot read ${what}: ${why}`, hint }, cause);
}

/** A name could be made to lead elsewhere, but for localhost. */
function isLoopback({ hostname }: URL): boolean {
  if (hostname === "localhost" || hostname === "[::1]") return true;
  return isIP(hostname) === 4 && hostname.startsWith("127.");
}
