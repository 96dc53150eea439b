#!/usr/bin/env node
/** The bin. It loads as little as the words on the command line need. */
import { readFileSync } from "node:fs";

const NODE_MAJOR_MIN = 24;
const argv = process.argv.slice(2);
/**
 * A process that lives long gives the room of young objects back only when it is small: 8 MiB keep the memory of a daemon flat
 * at the same speed. The engine takes the limit at its start only.
 */
const DAEMON_FLAG = "--max-semi-space-size=8";

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `error[LEG7008]: legion needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}\n` +
      "  next: install a newer Node, or start it by npx, which takes the one that is installed with legion\n",
  );
  process.exitCode = 1;
} else if (argv.length === 1 && ["--version", "-V", "version"].includes(argv[0] ?? "")) {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  process.stdout.write(`${version}\n`);
} else {
  if (argv[0] === "up") restartWith(DAEMON_FLAG);
  const { runProcess } = await import("./cli/process.ts");
  await runProcess(argv);
}

/** Becomes the same process with a flag of the engine; where that cannot be done it goes on without. */
function restartWith(flag: string): void {
  const { execPath, execArgv, env } = process;
  if (execArgv.includes(flag) || process.execve === undefined) return;
  try {
    process.execve(execPath, [execPath, flag, ...execArgv, ...process.argv.slice(1)], env);
  } catch {
    // It is a matter of memory only.
  }
}
