import type MiniSearch from "minisearch";
import { isObject } from "../../lib/json.ts";
import type { ToolBinding } from "../contract.ts";

/** Functions that a search finds at most, and the share of the best score below which one is left out. */
const FOUND_MAX = 10;
const SCORE_SHARE_MIN = 0.2;

const stopWords: ReadonlySet<string> = new Set(
  "a an and any are as at be by for from how i in is it me my of on or that the this to which with".split(
    " ",
  ),
);

/** The functions that fit a query best, best first. */
export async function findFunctions(
  tools: readonly ToolBinding[],
  query: string,
): Promise<readonly { readonly binding: ToolBinding; readonly name: string }[]> {
  const results = (await searchIndex(tools)).search(query).slice(0, FOUND_MAX);
  const best = results[0]?.score ?? 0;
  return results.flatMap(({ id, score }) => {
    const [as, name] = id as [string, string];
    const binding = tools.find((one) => one.as === as);
    return binding === undefined || score < best * SCORE_SHARE_MIN ? [] : [{ binding, name }];
  });
}

const indexes = new WeakMap<readonly ToolBinding[], MiniSearch>();

async function searchIndex(tools: readonly ToolBinding[]): Promise<MiniSearch> {
  const known = indexes.get(tools);
  if (known !== undefined) return known;
  const { default: Search } = await import("minisearch");
  const index = new Search({
    fields: ["words", "description", "parameters"],
    processTerm: (term) => (stopWords.has(term.toLowerCase()) ? null : term.toLowerCase()),
    searchOptions: {
      boost: { words: 3, description: 2 },
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  });
  index.addAll(tools.flatMap(searchDocuments));
  indexes.set(tools, index);
  return index;
}

function searchDocuments({ as, tool, functions }: ToolBinding): object[] {
  return functions.map((name) => {
    const spec = tool.functions[name];
    return {
      id: [as, name],
      words: words(`${as} ${name}`),
      description: `${spec?.description ?? ""} ${tool.description}`,
      parameters: words(
        Object.keys(isObject(spec?.parameters.properties) ? spec.parameters.properties : {}).join(
          " ",
        ),
      ),
    };
  });
}

/** `createEvent` as `create Event`, so that each word is found. */
function words(names: string): string {
  return names.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll("_", " ");
}
