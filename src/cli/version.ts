import { readFile } from "node:fs/promises";
import { Command } from "clipanion";
import { LegionCommand } from "./base-command.ts";

export class VersionCommand extends LegionCommand {
  static override paths = [["version"]];
  static override usage = Command.Usage({
    description: "print the version",
    details: "That of the program; legion status tells that of a daemon.",
    examples: [
      ["The version alone", "$0 version"],
      ["The same as data", "$0 version -o json"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const version = await legionVersion();
    await this.print({ version }, version);
    return 0;
  }
}

/** The version of this program. */
export async function legionVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(packageFile, "utf8"));
  return version;
}

const packageFile = new URL("../../package.json", import.meta.url);
