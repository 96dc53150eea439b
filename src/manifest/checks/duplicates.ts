import type { LoadedDocument } from "../loaded.ts";
import { type CheckContext, faultAt } from "./context.ts";

/** Two objects of one kind, namespace and name: the second is reported with the place of the first. */
export function checkDuplicate(document: LoadedDocument, { find, report }: CheckContext): void {
  const { declares } = document;
  // Of a document whose text is wrong, nothing but that is told.
  if (declares === undefined || document.value === null) return;
  const { kind, namespace, name } = declares;
  const first = find(kind, namespace, name);
  if (first === undefined || first === document) return;
  const { file, document: index } = first.source;
  report(
    faultAt(document, {
      code: "LEG1015",
      path: ["metadata", "name"],
      summary: `${kind} "${name}" is declared twice in namespace "${namespace}"`,
      detail: (where) =>
        `rename or remove one of the two; the first is at ${where(file, { document: index, path: ["metadata", "name"], part: "value" })}`,
    }),
  );
}
