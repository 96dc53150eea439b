import { isMarkdown, parseMarkdown } from "./markdown.ts";
import { type ParsedDocument, parseDocuments } from "./parse.ts";

/** How a text is read. JSON is YAML. */
export type TextForm = "yaml" | "markdown";

/** How a file is read, by its name. */
export function formOf(file: string): TextForm {
  return isMarkdown(file) ? "markdown" : "yaml";
}

/** The documents of a text, as `parseDocuments` gives them. */
export function parseText(
  text: string,
  form: TextForm,
): Generator<ParsedDocument | undefined, void, undefined> {
  return form === "markdown" ? parseMarkdown(text) : parseDocuments(text);
}
