import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { SecureContext } from "node:tls";
import { errorData, LegionError } from "../../lib/errors.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { confinedPath, shownFile } from "../../security/confine.ts";
import { LookFault } from "./look.ts";

type Watcher = ManifestObject<"Watcher">;

const CA_BYTES_MAX = 1024 * 1024;

/**
 * Which certificates a watcher trusts: those of its caFile besides those of Node. The file is read for every look, as certificates are
 * rotated. Throws LEG2750 or LEG2751 where it cannot be used; a file that goes bad later is a fault of the look.
 */
export async function trustOf(watcher: Watcher): Promise<() => Promise<SecureContext | undefined>> {
  const { caFile } = watcher.spec;
  if (caFile === undefined) return async () => undefined;
  let known: { readonly pem: string; readonly context: SecureContext } | undefined;
  const read = async () => {
    const pem = await certificatesIn(watcher, caFile);
    if (known?.pem !== pem) known = { pem, context: await contextWith(pem, caFile) };
    return known.context;
  };
  await read();
  return () =>
    read().catch((error: unknown) => {
      throw new LookFault("tls", errorData(error).message, {}, error);
    });
}

async function certificatesIn({ source }: Watcher, caFile: string): Promise<string> {
  const fail = (what: string, cause?: unknown) =>
    new LegionError(
      {
        code: "LEG2750",
        message: `the caFile "${caFile}" ${what}`,
        hint: `put the certificates into ${shownFile(source, caFile)}, or correct spec.caFile: it is relative to the manifest`,
      },
      cause,
    );
  const place = await confinedPath(source, caFile);
  if (place.at === "outside") throw fail("stands outside of the manifest root");
  if (place.at === "missing") throw fail("does not exist");
  if (place.at === "unreachable") throw fail(`cannot be reached (${place.errno})`);
  const unreadable = (cause: unknown) => {
    throw fail("cannot be read", cause);
  };
  const stats = await stat(place.real).catch(unreadable);
  if (!stats.isFile()) throw fail("is not a regular file");
  if (stats.size > CA_BYTES_MAX) throw fail("is larger than 1 MiB");
  return readFile(place.real, "utf8").catch(unreadable);
}

async function contextWith(pem: string, caFile: string): Promise<SecureContext> {
  // Loaded here: most watchers need nothing of it.
  const { createSecureContext, getCACertificates } = await import("node:tls");
  try {
    // OpenSSL takes any text for a list of no certificates.
    new X509Certificate(pem);
    return createSecureContext({ ca: [...getCACertificates("default"), pem] });
  } catch (cause) {
    throw new LegionError(
      {
        code: "LEG2751",
        message: `the caFile "${caFile}" holds no certificate in PEM`,
        hint: "write the certificates one after the other, each beginning with a line of BEGIN CERTIFICATE",
      },
      cause,
    );
  }
}
