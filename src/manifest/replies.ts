import { LegionError } from "../lib/errors.ts";
import { readDocument, textFault } from "./documents.ts";
import type { Fault } from "./fault.ts";
import type { ScriptedReply } from "./generated/provider.ts";
import { REFERENCED_BYTES_MAX } from "./limits.ts";
import type { ManifestObject } from "./objects.ts";
import { parseDocuments } from "./parse.ts";
import { readText } from "./read.ts";
import { resolveFile } from "./resolve-file.ts";
import type { SourceText } from "./source-text.ts";
import { type ValueFault, validateReplies } from "./validate.ts";

/** The list of replies in a repliesFrom file, with what is wrong with it. */
export interface RepliesFile {
  readonly replies: readonly ScriptedReply[];
  readonly faults: readonly Fault[];
  readonly source?: SourceText;
}

/** What a model has to say with an action: a reply without it would be refused like a model's. */
export function replyFaults(replies: readonly ScriptedReply[]): readonly ValueFault[] {
  return replies.flatMap(({ action, code = "", ...rest }, index) => {
    const lacks = action?.startsWith("eval_") && code.trim() === "" ? "code" : undefined;
    const field = action === "return" && !("result" in rest) ? "result" : lacks;
    if (field === undefined) return [];
    const summary = `reply [${index}] has action ${action} and no ${field}`;
    const detail =
      field === "code" ? 'add "code"' : 'add "result"; for no value write result: null';
    return [{ code: "LEG1008", summary, detail, path: [index, "action"], part: "value" }];
  });
}

/** The replies in the text of a file. */
export function repliesIn(file: string, source: SourceText): RepliesFile {
  const { shown } = source;
  const faults: Fault[] = [];
  const report = (fault: Fault) => faults.push(fault);
  const parsed = [...parseDocuments(source.text)].filter((document) => document !== undefined);
  const documents = parsed.map(readDocument);
  const [first, second] = documents;
  for (const fault of documents.flatMap((document) => document.faults))
    report(textFault(fault, { file, shown }, 0));
  if (faults.length > 0) return { replies: [], faults, source };
  const value = second === undefined ? (first?.json ?? null) : null;
  const invalid = validateReplies(value);
  const all = invalid.length > 0 ? invalid : replyFaults(value as unknown as ScriptedReply[]);
  for (const { code, summary, detail, path, part } of all) {
    report({
      severity: "error",
      code,
      summary,
      detail,
      file,
      shown,
      spot: { document: 0, path, part },
    });
  }
  return {
    replies: faults.length === 0 ? (value as unknown as ScriptedReply[]) : [],
    faults,
    source,
  };
}

/** The replies of a Provider with wire scripted, from its manifest or its file. Throws a LegionError when the file is not a valid list of replies. */
export async function loadReplies(
  provider: ManifestObject<"Provider">,
): Promise<readonly ScriptedReply[]> {
  const { replies, repliesFrom } = provider.spec;
  if (replies !== undefined) return replies;
  if (repliesFrom === undefined) return [];
  const file = await resolveFile(provider, repliesFrom.file);
  const text = readText(file, repliesFrom.file, provider.source.root, REFERENCED_BYTES_MAX);
  const { replies: listed, faults } = text.ok
    ? repliesIn(file, text.source)
    : { replies: [], faults: [text.fault] };
  const [fault] = faults;
  if (fault === undefined) return listed;
  throw new LegionError({
    code: fault.code,
    message: `${repliesFrom.file}: ${fault.summary}`,
    hint: typeof fault.detail === "string" ? fault.detail : "run legion validate for the place",
  });
}
