import { resolve } from "node:path";
import type { RootWatcher, WatchOptions } from "./contract.ts";
import { RootsLoop } from "./roots-loop.ts";

/**
 * Watches manifest roots: tells what they hold at first, and again each time that has changed and settled. What the system
 * says about folders is a hint to look; what counts is what a search finds, by content.
 */
export function watchRoots(roots: readonly string[], options: WatchOptions): RootWatcher {
  const loop = new RootsLoop(roots, options);
  return {
    rescan: () => loop.rescan(),
    follow: (files) => loop.follow(files),
    wrote: (file, digest) => loop.teller.wrote(resolve(options.cwd, file), digest),
    done: loop.run(),
  };
}
