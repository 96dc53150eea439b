import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import type { Kind } from "./objects.ts";

/** Every path at which a kind has a field of that name, list items written []: `spec.sandbox.memory`. */
export function fieldPaths(kind: Kind, name: string): readonly string[] {
  const found: string[] = [];
  const search = (schema: FieldSchema, prefix: string): void => {
    for (const [field, child] of Object.entries(schema.properties ?? {})) {
      const path = prefix === "" ? field : `${prefix}.${field}`;
      if (field === name) found.push(path);
      search(child, path);
    }
    if (schema.items !== undefined) search(schema.items, `${prefix}[]`);
  };
  search(schemas[kind], "");
  return found.toSorted((a, b) => a.length - b.length);
}
