import { cp, readdir, writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "clipanion";
import { LegionError, messageOf } from "../lib/errors.ts";
import { makeFolder } from "../lib/folders.ts";
import { LegionCommand } from "./base-command.ts";
import { shownPath } from "./shown-path.ts";

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));
const parts = ["agents.d", "tools.d", "watchers.d", "schemas"] as const;

export class InitCommand extends LegionCommand {
  static override paths = [["init"]];
  static override usage = Command.Usage({
    description: "write a small manifest repository that works",
    details:
      "Writes an assistant agent with its model and its tools (agents.d, tools.d), a file that wakes it and a task for its mornings (watchers.d), and the JSON Schemas that editors check them with (schemas). The folder must be new or empty.",
    examples: [
      [
        "Start in a new folder",
        "$0 init demo && cd demo && $0 run agent/assistant 'What time is it?'",
      ],
      ["Start in this folder, which is empty", "$0 init"],
    ],
  });

  folder = Option.String({ required: false, name: "folder" });

  async execute(): Promise<number> {
    this.checkOutput();
    const target = resolve(this.context.cwd, this.folder || ".");
    await refuseUnlessEmpty(target, this.folder || ".");
    for (const part of parts)
      await cp(`${packageFolder}${part}`, `${target}/${part}`, { recursive: true });
    await writeFile(`${target}/.gitignore`, ignored);
    const shown = shownPath(this.context.cwd, target);
    const files = (await readdir(target, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(target, `${entry.parentPath}/${entry.name}`))
      .toSorted();
    const enter = shown === "." ? "" : `cd ${quoted(shown)} && `;
    const next = `${enter}legion run agent/assistant "What time is it in Oslo?"`;
    const live = `${enter}legion up`;
    await this.print(
      { folder: shown, files, next, live },
      [
        ...files.map((file) => `wrote ${file}`),
        "",
        `Next: ${next}`,
        `  or: ${live}   (keeps running what the folder declares)`,
        "then: legion get watchers, legion get crons   (what wakes it, and when)",
      ].join("\n"),
    );
    return 0;
  }
}

/** What Legion keeps beside the manifests is not for the repository. */
const ignored = `/.legion/
`;

/** A path as a shell takes it. */
function quoted(path: string): string {
  const safe = path.startsWith("-") ? `./${path}` : path;
  return /^[\w./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}

async function refuseUnlessEmpty(folder: string, shown: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new LegionError({
      code: "LEG7010",
      message: `the folder ${shown} cannot be made: ${messageOf(error)}`,
      hint: "name another folder: legion init demo",
    });
  }
  // A fresh git repository counts as empty.
  const present = (await readdir(folder)).filter((name) => name !== ".git");
  if (present.length === 0) return;
  throw new LegionError({
    code: "LEG7005",
    message: `the folder ${shown} is not empty: it holds ${present.slice(0, 3).join(", ")}${present.length > 3 ? " and more" : ""}`,
    hint: "name a folder that does not exist yet: legion init demo",
  });
}
