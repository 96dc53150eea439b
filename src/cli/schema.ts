import { copyFile, readdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "clipanion";
import { unknownName } from "../lib/errors.ts";
import { makeFolder } from "../lib/folders.ts";
import { suggest } from "../lib/suggest.ts";
import { LegionCommand } from "./base-command.ts";

const schemas = fileURLToPath(new URL("../../schemas/", import.meta.url));

export class SchemaCommand extends LegionCommand {
  static override paths = [["schema"]];
  static override usage = Command.Usage({
    description: "print the JSON Schema of a kind, or write all of them to a folder",
    details:
      "Without a name it prints the schema that knows every kind. Editors with a YAML language server use it through a line such as `# yaml-language-server: $schema=../schemas/legion.json`.",
    examples: [
      ["Print the schema of agents", "$0 schema agent"],
      ["Write all schemas beside your manifests", "$0 schema --dir schemas"],
    ],
  });

  kind = Option.String({ required: false, name: "kind" });
  dir = Option.String("-d,--dir", { description: "write the files to this folder instead" });

  async execute(): Promise<number> {
    this.checkOutput();
    const files = (await readdir(schemas)).filter((file) => file.endsWith(".json")).toSorted();
    if (this.dir !== undefined) return this.write(files, this.dir);
    const names = files.map((file) => file.replace(".json", ""));
    const name = (this.kind ?? "legion").toLowerCase();
    if (!names.includes(name))
      throw unknownName("LEG7004", "schema", name, names, suggest(name, names));
    const text = await readFile(`${schemas}${name}.json`, "utf8");
    await this.print(JSON.parse(text), text);
    return 0;
  }

  private async write(files: readonly string[], dir: string): Promise<number> {
    const folder = resolve(this.context.cwd, dir);
    await makeFolder(folder);
    await Promise.all(files.map((file) => copyFile(`${schemas}${file}`, `${folder}/${file}`)));
    await this.print(
      { folder: dir, files },
      files.map((file) => `wrote ${dir}/${file}`).join("\n"),
    );
    return 0;
  }
}
