import { isAbsolute, normalize, sep } from "node:path";
import { LegionError, messageOf } from "../../lib/errors.ts";
import type { ManifestObject } from "../objects.ts";
import { resolveFile } from "../resolve-file.ts";
import { type CheckContext, type Finding, faultAt } from "./context.ts";

/** The url of a Source holds no credentials, and the file of trusted keys is there. */
export async function checkSourcePlace(
  source: ManifestObject<"Source">,
  { report }: CheckContext,
): Promise<void> {
  const { url, verify } = source.spec;
  for (const finding of placeFindings(source)) report(faultAt(source, finding));
  const words = url === undefined ? undefined : credentialsOf(url);
  if (words !== undefined)
    report(
      faultAt(source, {
        code: "LEG1100",
        path: ["spec", "url"],
        words,
        isSecret: true,
        summary: "the url holds a user or password",
        detail:
          "write it without, and let git's credential helper give them, or use ssh; revoke them if they were committed",
      }),
    );
  if (verify === undefined) return;
  try {
    await resolveFile(source, verify.allowedSigners);
  } catch (error) {
    const { code, hint } = error instanceof LegionError ? error : unreachable;
    const path = ["spec", "verify", "allowedSigners"];
    report(faultAt(source, { code, path, summary: messageOf(error), detail: hint }));
  }
}

/** A url that git would run a program for, and folders that leave the source. */
function placeFindings({ spec }: ManifestObject<"Source">): readonly Finding[] {
  const { url, subfolder } = spec;
  const findings: Finding[] = [];
  if (url !== undefined && /^-|^[a-z0-9+.-]*::/i.test(url))
    findings.push({
      code: "LEG1010",
      path: ["spec", "url"],
      summary: `Source spec.url must be a path or a URL, but is "${url}"`,
      detail: "write a path, or a URL that begins with https:// or ssh://",
    });
  for (const [index, folder] of [subfolder].flat().entries())
    if (isAbsolute(folder) || normalize(folder).split(sep)[0] === "..")
      findings.push({
        code: "LEG1010",
        path: typeof subfolder === "string" ? ["spec", "subfolder"] : ["spec", "subfolder", index],
        summary: `Source spec.subfolder "${folder}" stands outside of the source`,
        detail: "name a folder within it, relative to its top",
      });
  return findings;
}

const unreachable = { code: "LEG1061", hint: "check the path" } as const;

/** What stands before the @ of a URL; of ssh only a password, as the user there is no secret. */
export function credentialsOf(url: string): string | undefined {
  const [, scheme = "", user] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)@/i.exec(url) ?? [];
  if (user === undefined || user === "") return undefined;
  return /ssh$/i.test(scheme) && !user.includes(":") ? undefined : user;
}
