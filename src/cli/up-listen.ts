import { LegionError } from "../lib/errors.ts";

const PORT_MAX = 65_535;

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** The host and port of `127.0.0.1:7420`, `[::1]:7420`, or a port alone, which is of this machine only. Throws LEG7001. */
export function parseListen(text: string): Listen {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= PORT_MAX)
    return { host: match[1] ?? match[2] ?? "127.0.0.1", port };
  throw new LegionError({
    code: "LEG7001",
    message: `--listen does not take "${text}"`,
    hint: "write HOST:PORT, for example 127.0.0.1:7420 or [::1]:7420; 0 takes a free port",
  });
}
