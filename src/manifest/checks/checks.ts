import { codeReader } from "../code/reader.ts";
import type { Report } from "../fault.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { Kind, ManifestObject } from "../objects.ts";
import type { SourceText } from "../source-text.ts";
import { checkAgentTools } from "./agent-tools.ts";
import { checkCapabilities, checkCycles } from "./capabilities.ts";
import { checkSource } from "./code.ts";
import { checkConfig, checkToolConfigs } from "./configs.ts";
import { type CheckContext, type CheckOptions, contextOf } from "./context.ts";
import { checkDuplicate } from "./duplicates.ts";
import { checkFiles } from "./files.ts";
import { checkFunctionNames } from "./functions.ts";
import { checkFunctionSchemas, checkOutputSchema } from "./json-schemas.ts";
import { checkModel, checkRouter } from "./models.ts";
import { checkSystemPrompt } from "./prompts.ts";
import { checkRanges } from "./ranges.ts";
import { checkReplies } from "./replies.ts";
import { checkSecrets } from "./secrets.ts";

type Check<K extends Kind> = (
  object: ManifestObject<K>,
  context: CheckContext,
) => void | Promise<void>;

/** What is checked of each kind beyond its schema, on objects whose fields are valid. */
const checks: { readonly [K in Kind]: readonly Check<K>[] } = {
  Agent: [
    checkRanges,
    checkAgentTools,
    checkToolConfigs,
    checkModel,
    checkOutputSchema,
    checkSystemPrompt,
  ],
  Tool: [
    checkRanges,
    checkFunctionNames,
    checkFunctionSchemas,
    checkCapabilities,
    checkConfig,
    checkSource,
    checkFiles,
  ],
  Provider: [checkRanges, checkReplies, checkFiles],
  Router: [checkRanges, checkRouter],
};

/** Reports what is wrong with documents beyond their schemas. Texts of files that faults stand in go to `addText`. */
export async function runChecks(
  documents: readonly LoadedDocument[],
  options: CheckOptions,
  report: Report,
  addText: (file: string, source: SourceText) => void,
  breathe: () => Promise<void>,
): Promise<void> {
  await using code = codeReader();
  const context = contextOf(documents, options, report, code, addText);
  for (const document of documents) {
    checkDuplicate(document, context);
    checkSecrets(document, context);
    const { object } = document;
    if (object === undefined) continue;
    for (const check of checks[object.kind] as readonly Check<Kind>[]) await check(object, context);
    await breathe();
  }
  checkCycles(documents, context);
}
