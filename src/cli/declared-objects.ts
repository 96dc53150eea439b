import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { Kind, ManifestObject } from "../manifest/objects.ts";
import type { CommandContext } from "./context.ts";
import { loadInputs } from "./manifest-flags.ts";

/** That an object names what was not loaded: it says nothing against looking at the object alone. */
const missingOthers: ReadonlySet<string> = new Set(["LEG1050", "LEG1051", "LEG1059", "LEG1117"]);

export interface DeclaredObjects<K extends Kind> {
  /** All valid objects, of whatever kind. */
  readonly objects: readonly ManifestObject[];
  /** The names of those of the kind in the namespace, valid or not. */
  readonly names: readonly string[];
  /** The one of that name; "wrong" where it is wrong by itself, or may stand in a file that cannot be understood, and that is told on stderr. */
  readonly find: (name: string) => Promise<ManifestObject<K> | "wrong" | undefined>;
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

/** Objects of a kind as manifests declare them, to look at: what else is in the manifests, and whether it is right, does not matter. */
export async function declaredObjects<K extends Kind>(
  kind: K,
  namespace: string,
  paths: readonly string[],
  context: CommandContext,
): Promise<DeclaredObjects<K>> {
  const set = await loadInputs(paths, context);
  const isOne = (each: { readonly kind: Kind; readonly namespace: string }) =>
    each.kind === kind && each.namespace === namespace;
  const valid = set.objects.filter((object): object is ManifestObject<K> => isOne(object));
  const invalid = set.invalid.filter(({ declares }) => isOne(declares));
  const tell = async (diagnostics: readonly Diagnostic[]) => {
    const { renderText } = await import("../manifest/render.ts");
    context.stderr.write(renderText(diagnostics, { stream: context.stderr }));
    return "wrong" as const;
  };
  return {
    objects: set.objects,
    names: [...new Set([...valid, ...invalid.map(({ declares }) => declares)].map(nameOf))],
    async find(name) {
      const found = valid.find((object) => object.name === name);
      if (found !== undefined) return found;
      const faulty = invalid.find(({ declares }) => declares.name === name);
      if (faulty !== undefined) {
        const own = faulty.diagnostics.filter(({ code }) => !missingOthers.has(code));
        if (own.length > 0 || faulty.object === undefined) return tell(own);
        return faulty.object as ManifestObject<K>;
      }
      const unclear = set.unclear.flatMap(({ diagnostics }) => diagnostics);
      return unclear.length > 0 ? tell(unclear) : undefined;
    },
  };
}
