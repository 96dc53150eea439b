import type { Kind } from "./objects.ts";

/** Every kind, in the order in which people meet them, with the field of its spec that the other fields depend on. */
export const kinds = {
  Agent: { selector: undefined },
  Tool: { selector: "type" },
  Provider: { selector: "wire" },
  Router: { selector: undefined },
  Watcher: { selector: "type" },
  Cron: { selector: undefined },
  Source: { selector: "type" },
} as const satisfies Record<Kind, { readonly selector: string | undefined }>;

export const kindNames = Object.keys(kinds) as readonly Kind[];

export function isKind(value: unknown): value is Kind {
  return typeof value === "string" && Object.hasOwn(kinds, value);
}
