import { stringify } from "yaml";
import type { Declaration } from "./plan-contract.ts";
import { type DiffLine, diffLines } from "./plan-diff-lines.ts";
import { titleOf } from "./plan-text.ts";
import { maskSecrets } from "./secret-shapes.ts";

/** How many equal lines stand around what differs. */
const CONTEXT_LINES = 3;

/** The unified diff of one object as YAML, from what is live to what is declared (of a planned change: `{...change, ...change.object}`); empty when they are equal. Either may be missing. */
export function objectDiff(
  live: Declaration | undefined,
  declared: Declaration | undefined,
): string {
  const title = live ?? declared;
  const lines = diffLines(yamlLines(live), yamlLines(declared));
  if (title === undefined || lines.every(({ sign }) => sign === " ")) return "";
  const names = [
    `--- ${live === undefined ? "/dev/null" : `live/${titleOf(live)}`}`,
    `+++ ${declared === undefined ? "/dev/null" : `declared/${titleOf(declared)}`}`,
  ];
  return maskSecrets(`${[...names, ...hunks(lines)].join("\n")}\n`);
}

function yamlLines(object: Declaration | undefined): readonly string[] {
  if (object === undefined) return [];
  const { kind, namespace, name, labels, annotations, spec } = object;
  const metadata = {
    name,
    namespace,
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  const manifest = { apiVersion: "legion.dev/v1", kind, metadata, spec };
  const text = stringify(manifest, {
    sortMapEntries: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return text.trimEnd().split("\n");
}

/** The parts around differences, each under a line that says where it stands. */
function hunks(lines: readonly DiffLine[]): readonly string[] {
  const near = new Set<number>();
  for (const [index, { sign }] of lines.entries()) {
    if (sign === " ") continue;
    for (let at = Math.max(0, index - CONTEXT_LINES); at <= index + CONTEXT_LINES; at += 1)
      near.add(at);
  }
  const told: string[] = [];
  let [oldLine, newLine] = [1, 1];
  for (let index = 0; index < lines.length; index += 1) {
    if (near.has(index) && !near.has(index - 1)) {
      let end = index;
      while (near.has(end) && end < lines.length) end += 1;
      told.push(hunkHead(lines.slice(index, end), oldLine, newLine));
    }
    const line = lines[index];
    if (line === undefined) continue;
    if (near.has(index)) told.push(`${line.sign}${line.text}`);
    if (line.sign !== "+") oldLine += 1;
    if (line.sign !== "-") newLine += 1;
  }
  return told;
}

function hunkHead(lines: readonly DiffLine[], oldLine: number, newLine: number): string {
  const side = (other: string, start: number) => {
    const amount = lines.filter(({ sign }) => sign !== other).length;
    return `${amount === 0 ? start - 1 : start},${amount}`;
  };
  return `@@ -${side("+", oldLine)} +${side("-", newLine)} @@`;
}
