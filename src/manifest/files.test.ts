// Goal: a manifest reaches files below its root and no others, however the path is spelt or linked; lists of replies are checked where they stand.
// Method: a folder with files, links and folders beside it; the resolver and the loader on each path.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadManifests } from "./load.ts";
import { loadReplies } from "./replies.ts";
import { resolveFile } from "./resolve-file.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "legion-files-")));
after(() => rmSync(base, { recursive: true, force: true }));
const root = join(base, "root");
mkdirSync(join(root, "tools", "lib"), { recursive: true });
writeFileSync(join(base, "outside.ts"), "");
mkdirSync(join(base, "root-beside"));
writeFileSync(join(base, "root-beside", "x.ts"), "");
writeFileSync(join(root, "shared.ts"), "");
writeFileSync(join(root, "tools", "math.ts"), "");
writeFileSync(join(root, "tools", "lib", "deep.ts"), "");
symlinkSync("math.ts", join(root, "tools", "inside.ts"));
symlinkSync("../../outside.ts", join(root, "tools", "outside.ts"));
symlinkSync("..", join(root, "tools", "up"));
symlinkSync("loop.ts", join(root, "tools", "loop.ts"));
execFileSync("mkfifo", [join(root, "tools", "pipe.ts")]);
const source = {
  file: join(root, "tools", "math.yaml"),
  shown: "tools/math.yaml",
  document: 0,
  root,
};

const reachable: readonly { path: string; real: string }[] = [
  { path: "math.ts", real: "tools/math.ts" },
  { path: "./lib/../lib/deep.ts", real: "tools/lib/deep.ts" },
  { path: "../shared.ts", real: "shared.ts" },
  { path: "inside.ts", real: "tools/math.ts" },
  { path: "up/shared.ts", real: "shared.ts" },
  { path: join(root, "shared.ts"), real: "shared.ts" },
];

for (const { path, real } of reachable) {
  test(`${path.replace(base, "")} is reached`, async () => {
    assert.equal(await resolveFile({ source }, path), join(root, real));
  });
}

const refused: readonly { path: string; message: RegExp }[] = [
  { path: "../../outside.ts", message: /outside of the manifest root/ },
  { path: "outside.ts", message: /outside of the manifest root/ },
  { path: "up/../../outside.ts", message: /outside of the manifest root|does not exist/ },
  { path: "../../root-beside/x.ts", message: /outside of the manifest root/ },
  { path: "/etc/hosts", message: /outside of the manifest root/ },
  { path: "nothing.ts", message: /does not exist/ },
  { path: "lib", message: /is a folder, not a regular file/ },
  { path: "pipe.ts", message: /is a named pipe, not a regular file/ },
  { path: "loop.ts", message: /cannot be reached/ },
  { path: "math.ts/x", message: /cannot be reached|does not exist/ },
  { path: "math.ts\0.js", message: /cannot be reached/ },
];

for (const { path, message } of refused) {
  test(`${JSON.stringify(path)} is refused`, async () => {
    await assert.rejects(resolveFile({ source }, path), { code: "LEG1061", message });
  });
}

const stub = (spec: string) =>
  `apiVersion: legion.dev/v1\nkind: Provider\nmetadata: { name: p }\nspec: { wire: scripted, ${spec} }\n`;

test("replies come from the manifest or from its file, and a replies file is no manifest", async () => {
  const folder = join(root, "replies");
  mkdirSync(folder);
  writeFileSync(join(folder, "p.yaml"), stub("repliesFrom: { file: list.yaml }"));
  writeFileSync(join(folder, "list.yaml"), "- text: ${NOT_A_VARIABLE}\n- { action: done }\n");
  const set = await loadManifests([folder], { cwd: folder, env: {} });
  assert.deepEqual(set.diagnostics, []);
  const provider = set.get("Provider", "p");
  assert.ok(provider);
  assert.deepEqual(await loadReplies(provider), [
    { text: "${NOT_A_VARIABLE}" },
    { action: "done" },
  ]);
  const inline = await loadManifests(
    [{ filename: "x.yaml", text: stub("replies: [{ text: hi }]") }],
    { cwd: folder, env: {} },
  );
  const other = inline.get("Provider", "p");
  assert.ok(other);
  assert.deepEqual(await loadReplies(other), [{ text: "hi" }]);
});

const badReplies: readonly { name: string; text: string; code: string; place: string }[] = [
  { name: "is not a list", text: "text: hi\n", code: "LEG1009", place: "bad.yaml:1:1" },
  { name: "is empty", text: "", code: "LEG1009", place: "bad.yaml:1:1" },
  {
    name: "has an unknown field",
    text: "- text: hi\n- txet: hi\n",
    code: "LEG1007",
    place: "bad.yaml:2:3",
  },
  {
    name: "has two documents",
    text: "- text: hi\n---\n- text: ho\n",
    code: "LEG1009",
    place: "bad.yaml:1:1",
  },
  { name: "is not YAML", text: "- text: 'hi\n", code: "LEG1020", place: "bad.yaml:1:9" },
];

for (const { name, text, code, place } of badReplies) {
  test(`a replies file that ${name} is reported there, and its provider is left out`, async () => {
    const folder = mkdtempSync(join(base, "bad-"));
    writeFileSync(join(folder, "p.yaml"), stub("repliesFrom: { file: bad.yaml }"));
    writeFileSync(join(folder, "bad.yaml"), text);
    const set = await loadManifests([folder], { cwd: folder, env: {} });
    const [diagnostic] = set.diagnostics;
    assert.equal(diagnostic?.code, code, JSON.stringify(set.diagnostics));
    const { filename, start } = diagnostic.range ?? {};
    assert.equal(`${filename}:${start?.line}:${start?.column}`, place);
    assert.deepEqual(set.objects, []);
  });
}
