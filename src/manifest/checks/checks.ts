import { codeReader } from "../code/reader.ts";
import type { Report } from "../fault.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { Kind, ManifestObject, ObjectSource } from "../objects.ts";
import type { SourceText } from "../source-text.ts";
import { checkAgentTools } from "./agent-tools.ts";
import { checkCapabilities, checkCycles } from "./capabilities.ts";
import { checkSource } from "./code.ts";
import { checkConfig, checkToolConfigs } from "./configs.ts";
import { type CheckContext, type CheckInput, contextOf } from "./context.ts";
import { checkCron } from "./crons.ts";
import { checkDuplicate } from "./duplicates.ts";
import { checkFiles } from "./files.ts";
import { checkFunctionNames, checkReverts } from "./functions.ts";
import { checkFunctionSchemas, checkOutputSchema } from "./json-schemas.ts";
import { checkModel, checkRouter } from "./models.ts";
import { checkSystemPrompt } from "./prompts.ts";
import { checkRanges } from "./ranges.ts";
import { checkReplies } from "./replies.ts";
import { checkSecrets } from "./secrets.ts";
import { checkSourcePlace } from "./source-place.ts";
import { checkTeam } from "./team.ts";
import { checkWatched } from "./watched.ts";
import { checkWatcher } from "./watchers.ts";

type Check<K extends Kind> = (
  object: ManifestObject<K>,
  context: CheckContext,
  document: LoadedDocument,
) => void | Promise<void>;

type Checks = { readonly [K in Kind]: readonly Check<K>[] };

/** What is checked of each kind beyond its schema, on objects whose fields are valid, and depends on nothing but the object. */
const ownChecks: Checks = {
  Agent: [checkRanges, checkOutputSchema, checkSystemPrompt],
  Tool: [checkRanges, checkFunctionNames, checkReverts, checkFunctionSchemas, checkSource],
  Provider: [checkRanges, checkReplies],
  Router: [checkRanges],
  Watcher: [checkRanges],
  Cron: [checkRanges],
  Source: [checkRanges],
};

/** What depends on other objects, on files or on the program. */
const setChecks: Checks = {
  Agent: [checkAgentTools, checkTeam, checkToolConfigs, checkModel, checkFiles],
  Tool: [checkCapabilities, checkConfig, checkFiles],
  Provider: [checkFiles],
  Router: [checkRouter],
  Watcher: [checkWatcher, checkWatched, checkFiles],
  Cron: [checkCron],
  Source: [checkSourcePlace],
};

/**
 * Reports what is wrong with documents beyond their schemas. Texts of files that faults stand in go to `addText`. Gives
 * the documents, by their sources, that nothing is wrong with by themselves.
 */
export async function runChecks(
  input: CheckInput,
  report: Report,
  addText: (file: string, source: SourceText) => void,
  breathe: () => Promise<void>,
): Promise<WeakSet<ObjectSource>> {
  const { documents, memory, isClean } = input;
  if (isClean !== undefined && documents.every(isClean))
    return new WeakSet(documents.map(({ source }) => source));
  await using code = codeReader();
  const sound = new WeakSet<ObjectSource>();
  let faults = 0;
  const counting: Report = (fault) => {
    faults += 1;
    report(fault);
  };
  const context = contextOf(input, counting, code, addText);
  for (const document of documents) {
    if (isClean?.(document) || context.stillHolds(memory.answers().get(document))) {
      sound.add(document.source);
      continue;
    }
    const before = faults;
    const answers = context.listen();
    if (!document.isSound) await checkOwn(document, context);
    const { object } = document;
    if (object !== undefined && faults === before) sound.add(document.source);
    checkDuplicate(document, context);
    for (const check of object === undefined
      ? []
      : (setChecks[object.kind] as readonly Check<Kind>[]))
      await check(object as ManifestObject, context, document);
    if (object !== undefined && faults === before) memory.answers().set(document, answers);
    await breathe();
  }
  context.listen();
  checkCycles(documents, context);
  return sound;
}

async function checkOwn(document: LoadedDocument, context: CheckContext): Promise<void> {
  checkSecrets(document, context);
  const { object } = document;
  if (object === undefined) return;
  for (const check of ownChecks[object.kind] as readonly Check<Kind>[])
    await check(object, context, document);
}
