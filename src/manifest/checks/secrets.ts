import { isObject, type Json, type JsonPath } from "../../lib/json.ts";
import type { LoadedDocument } from "../loaded.ts";
import { findSecret } from "../secret-shapes.ts";
import { type CheckContext, faultAt } from "./context.ts";
import { credentialsOf } from "./source-place.ts";

/** No string of a manifest looks like a key: secrets stand in it by reference. It looks at what is written, not at what variables bring. */
export function checkSecrets(document: LoadedDocument, { report }: CheckContext): void {
  visit(document.written, [], (text, path) => {
    if (isCheckedUrl(document, path) && credentialsOf(text) !== undefined) return;
    const secret =
      findSecret(text) ?? passwordOf(text) ?? (inSecretField(path, text) ? text : undefined);
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

/** The checks of these kinds tell more about it. */
function isCheckedUrl({ declares }: LoadedDocument, path: JsonPath): boolean {
  const isChecked = declares?.kind === "Source" || declares?.kind === "Watcher";
  return isChecked && path.length === 2 && path[1] === "url";
}

/** Fields that carry secrets, whatever these look like. */
const secretField = /(^|[-_.])(authorization|api-?key|access-?key|password|passwd|secret|token)$/i;
/** Where such fields are: a property of a JSON Schema or an argument in a script may have such a name too. */
const secretHolders: readonly unknown[] = ["headers", "config", "apiKey"];
/** A shorter value is a word, such as a scheme or a version. */
const SECRET_LENGTH_MIN = 8;

function inSecretField(path: JsonPath, text: string): boolean {
  const name = String(path.at(-1) ?? "");
  return (
    path[0] === "spec" &&
    path.some((step) => secretHolders.includes(step)) &&
    !path.includes("valueFrom") &&
    // camelCase as it is, and as words: clientSecret ends in a secret too.
    (secretField.test(name) || secretField.test(name.replace(/[A-Z]/g, "-$&"))) &&
    text.length >= SECRET_LENGTH_MIN &&
    !text.includes("${")
  );
}

/** The password of an address such as `https://user:password@host`. */
function passwordOf(text: string): string | undefined {
  return /^[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#@\s:]{0,256}:([^/?#@\s$]{1,256})@/i.exec(text)?.[1];
}

function visit(value: Json, path: JsonPath, see: (text: string, path: JsonPath) => void): void {
  if (typeof value === "string") see(value, path);
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) visit(item, [...path, index], see);
  else if (isObject(value))
    for (const [name, field] of Object.entries(value)) visit(field as Json, [...path, name], see);
}
