import { existsSync } from "node:fs";
import { join } from "node:path";
import { LegionError } from "../lib/errors.ts";
import type { ManifestLoader } from "../manifest/loader.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import type { CommandContext } from "./context.ts";

/** What `--set` says of itself wherever manifests are loaded. */
export const SET_DESCRIPTION =
  "agent/NAME.spec.FIELD=VALUE in place of what is written; may be repeated";

/** The folders that are read when no path is given, where they exist. */
export const defaultRoots = ["agents.d", "tools.d", "watchers.d"] as const;

/** The paths that a command is to load: those given, or the default roots of the working folder. */
export function rootsOf(paths: readonly string[], cwd: string): readonly string[] {
  if (paths.length > 0) return paths;
  const roots = defaultRoots.filter((root) => existsSync(join(cwd, root)));
  if (roots.length > 0) return roots;
  throw new LegionError({
    code: "LEG7009",
    message: `no path was given, and the working folder has none of ${defaultRoots.join(", ")}`,
    hint: "name a file or folder with manifests, or write a first repository with legion init",
  });
}

/** Everything on standard input, as text; from a terminal it is told that it is waited for. Throws LEG7007 when it is interrupted. */
export async function readAll(context: CommandContext): Promise<string> {
  return (await readBytes(context)).toString("utf8");
}

async function readBytes({ stdin, stderr, signal }: CommandContext): Promise<Buffer> {
  if ("isTTY" in stdin && stdin.isTTY) stderr.write("reading from the terminal; Ctrl-D ends it\n");
  const stop = () => stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LegionError({
      code: "LEG7007",
      message: "interrupted while reading standard input",
      hint: "run it again",
    });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What goes with the paths of a command. */
export interface LoadExtras {
  /** The texts of --set. */
  readonly sets?: readonly string[];
  /** Objects of the store, for references that do not resolve among the manifests. */
  readonly existing?: readonly ManifestObject[];
  /** Loads them; one that knows nothing yet unless told. */
  readonly loader?: ManifestLoader;
}

/** Loads what a command is given: files, folders, patterns, URLs, and `-` for standard input. */
export async function loadInputs(
  paths: readonly string[],
  context: CommandContext,
  { sets = [], existing = [], loader }: LoadExtras = {},
): Promise<ManifestSet> {
  const { cwd, env, signal } = context;
  const [{ createManifestLoader }, { parseSets }, { builtinFacts }, { readManifestInputs }, kept] =
    await Promise.all([
      import("../manifest/loader.ts"),
      import("../manifest/set-values.ts"),
      import("../tools/types/builtin.ts"),
      import("./manifest-inputs.ts"),
      import("./pinned-content.ts"),
    ]);
  const cache = kept.cacheFolderOf(env);
  const pinned = cache === undefined ? undefined : kept.createPinnedContent(join(cache, "pinned"));
  const values = parseSets(sets);
  const readStdin = () => readBytes(context);
  const surroundings = { cwd, signal, readStdin, pinned };
  const inputs = await readManifestInputs(rootsOf(paths, cwd), surroundings);
  const options = { cwd, env, builtins: builtinFacts, existing, sets: values };
  return (loader ?? createManifestLoader()).load(inputs, options);
}

/** Loads, and prints what is wrong to stderr. Undefined when something is: then nothing is to run. */
export async function loadOrReport(
  paths: readonly string[],
  context: CommandContext,
  extras: LoadExtras = {},
): Promise<ManifestSet | undefined> {
  const set = await loadInputs(paths, context, extras);
  if (set.diagnostics.length === 0) return set;
  const { renderText } = await import("../manifest/render.ts");
  context.stderr.write(renderText(set.diagnostics, { stream: context.stderr }));
  return set.diagnostics.some(({ severity }) => severity === "error") ? undefined : set;
}
