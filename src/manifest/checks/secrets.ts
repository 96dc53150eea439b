import { isObject, type Json, type JsonPath } from "../../lib/json.ts";
import type { LoadedDocument } from "../loaded.ts";
import { findSecret } from "../secret-shapes.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** No string of a manifest looks like a key: secrets stand in it by reference. It looks at what is written, not at what variables bring. */
export function checkSecrets(document: LoadedDocument, { report }: CheckContext): void {
  visit(document.written, [], (text, path) => {
    const secret = findSecret(text) ?? (isSecretHeader(path, text) ? text : undefined);
    if (secret === undefined) return;
    const detail =
      "keep it out of the file: use valueFrom: {env: NAME}, and revoke the key if it was committed";
    report(
      faultAt(document, {
        code: "LEG1070",
        isSecret: true,
        path,
        words: secret,
        summary: "this looks like a key or token",
        detail,
      }),
    );
  });
}

/** Headers that carry secrets, whatever these look like. */
const secretHeader = /^(proxy-)?authorization$|api-?key|token|secret/i;
/** A shorter value is a word, such as a scheme or a version. */
const SECRET_LENGTH_MIN = 16;

function isSecretHeader(path: JsonPath, text: string): boolean {
  return (
    path.length === 3 &&
    path[1] === "headers" &&
    secretHeader.test(String(path[2])) &&
    text.length >= SECRET_LENGTH_MIN &&
    !text.includes("${")
  );
}

function visit(value: Json, path: JsonPath, see: (text: string, path: JsonPath) => void): void {
  if (typeof value === "string") see(value, path);
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) visit(item, [...path, index], see);
  else if (isObject(value))
    for (const [name, field] of Object.entries(value)) visit(field as Json, [...path, name], see);
}
