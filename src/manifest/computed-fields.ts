import { schemas } from "./generated/schemas.ts";
import type { Kind } from "./objects.ts";

/** The fields of each kind's spec that no manifest may set. */
export const computedFields = Object.fromEntries(
  Object.entries(schemas).map(([kind, schema]) => {
    const fields = Object.entries(schema.properties?.spec?.properties ?? {});
    return [kind, fields.flatMap(([name, field]) => (field.readOnly === true ? [name] : []))];
  }),
) as unknown as Readonly<Record<Kind, readonly string[]>>;
