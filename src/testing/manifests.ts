/** The text of an agent's manifest; `fields` go into its spec. */
export function agentManifest(
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): string {
  return manifest(
    "Agent",
    name,
    { description: "Helps.", model: "local/any", ...fields },
    metadata,
  );
}

/** The text of a manifest of the provider that agents of `agentManifest` name; nobody answers at its address unless one is given. */
export function providerManifest(baseUrl = "http://127.0.0.1:9/v1"): string {
  return manifest("Provider", "local", { wire: "openai-chat", baseUrl });
}

function manifest(kind: string, name: string, spec: object, metadata: object = {}): string {
  const object = { apiVersion: "legion.dev/v1", kind, metadata: { name, ...metadata }, spec };
  return `${JSON.stringify(object, null, 2)}\n---\n`;
}
