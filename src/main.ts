#!/usr/bin/env node
/** The bin. It loads as little as the words on the command line need. */
import { readFileSync } from "node:fs";

const NODE_MAJOR_MIN = 24;
const argv = process.argv.slice(2);

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
  const { runProcess } = await import("./cli/process.ts");
  await runProcess(argv);
}
