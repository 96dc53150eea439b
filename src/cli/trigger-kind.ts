import type { triggerLanguage } from "../trigger/language.ts";

type Language = Awaited<ReturnType<typeof triggerLanguage.get>>;

/** Whether a text is an expression alone: no `when` before it, no `for` and no clause after it. What cannot be read is a trigger. */
export function isBareExpression(text: string, { parseTrigger }: Language): boolean {
  const { tree } = parseTrigger(text);
  if (tree === undefined || /^(\s|#.*\n)*when\b/.test(text)) return false;
  const { when, except, ...clauses } = tree;
  const hasClause = Object.values(clauses).some((clause) => clause !== undefined);
  return when.lasting === undefined && except.length === 0 && !hasClause;
}
