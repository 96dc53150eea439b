/** The fields of an action as they come: the names before the text that people are to read. */
const ACTION = /^\s*\{[\s\S]*?"action"\s*:\s*"(\w+)"/;
const RESULT = /"result"\s*:\s*"((?:[^"\\]|\\.)*)/;

/**
 * What of a model's reply is for the person, as far as it has come: all of a plain one; of an action in JSON the text of its
 * result, while the rest still streams.
 */
export function spokenText(reply: string): string {
  if (!/^\s*[{`]/.test(reply)) return reply;
  if (ACTION.exec(reply)?.[1] !== "return") return "";
  const [, text = ""] = RESULT.exec(reply) ?? [];
  return decoded(text);
}

/** JSON text as its characters; an escape that has come by half waits for its other half. */
function decoded(text: string): string {
  const whole = text.replace(/((?:^|[^\\])(?:\\\\)*)\\u[0-9a-fA-F]{0,3}$/, "$1");
  try {
    const characters = JSON.parse(`"${whole.replaceAll("\n", "\\n")}"`) as string;
    return characters.replace(/[\ud800-\udbff]$/, "");
  } catch {
    return "";
  }
}
