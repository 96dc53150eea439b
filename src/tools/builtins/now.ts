import { LegionError } from "../../lib/errors.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import { suggest } from "../../lib/suggest.ts";
import type { Builtin } from "../types/builtin.ts";

/** Builtin now: the date and time, in a zone. Config: `timeZone`, the zone when a call names none (UTC). */
export const nowBuiltin: Builtin = {
  description: "The current date and time.",
  config: {
    type: "object",
    additionalProperties: false,
    properties: { timeZone: { type: "string", description: "the zone when a call names none" } },
  },
  functions: {
    now: {
      description: "Returns the date and time; iso has the offset of the time zone.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        properties: {
          timeZone: {
            type: "string",
            minLength: 1,
            maxLength: 64,
            description: "IANA name such as Europe/Berlin",
          },
        },
      },
      returns: {
        type: "object",
        required: ["iso", "epochMs", "timeZone", "offset", "weekday"],
        properties: {
          iso: { type: "string" },
          epochMs: { type: "integer" },
          timeZone: { type: "string" },
          offset: { type: "string" },
          weekday: { type: "string" },
        },
      },
      example: { timeZone: "Europe/Berlin" },
    },
  },
  async create({ config, deps }) {
    const usual = typeof config.timeZone === "string" ? config.timeZone : "UTC";
    momentIn(usual, 0);
    return async (_name: string, args: JsonObject) =>
      momentIn(typeof args.timeZone === "string" ? args.timeZone : usual, deps.clock.now());
  },
};

function momentIn(timeZone: string, epochMs: number): Json {
  const part = formatIn(timeZone, epochMs);
  const offset =
    part.timeZoneName === "GMT" ? "+00:00" : (part.timeZoneName ?? "").slice("GMT".length);
  const fraction = String(((epochMs % 1000) + 1000) % 1000).padStart(3, "0");
  return {
    iso: `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}.${fraction}${offset}`,
    epochMs,
    timeZone: part.zone,
    offset,
    weekday: part.weekday ?? "",
  };
}

function formatIn(timeZone: string, epochMs: number): Record<string, string> & { zone: string } {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hourCycle: "h23",
      weekday: "long",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZoneName: "longOffset",
    });
  } catch {
    throw unknownZone(timeZone);
  }
  const parts = format.formatToParts(epochMs).map(({ type, value }) => [type, value]);
  // ICU has old names for some zones: the caller's own spelling stays, but for its case.
  const known = format.resolvedOptions().timeZone;
  const zone = known.toLowerCase() === timeZone.toLowerCase() ? known : timeZone;
  return { ...Object.fromEntries(parts), zone };
}

function unknownZone(timeZone: string): LegionError {
  const zones = Intl.supportedValuesOf("timeZone");
  const city = zones.find((zone) =>
    zone.toLowerCase().endsWith(`/${timeZone.toLowerCase().replaceAll(" ", "_")}`),
  );
  const near = city ?? suggest(timeZone, zones);
  return new LegionError({
    code: "LEG4030",
    message: `no time zone is named "${timeZone}"`,
    hint: near === undefined ? "use an IANA name" : `did you mean "${near}"?`,
    valid: near === undefined ? ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"] : [near],
    example: `await tools.now.now({"timeZone":"${near ?? "Europe/Berlin"}"})`,
  });
}
