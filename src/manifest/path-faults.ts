import { shownPath } from "./discover.ts";
import type { Fault } from "./fault.ts";

/** The fault of a path that could not be opened or read. */
export function readFault(file: string, shown: string, { code }: NodeJS.ErrnoException): Fault {
  const [summary, detail] = reasons[code ?? ""] ?? [
    `it cannot be read (${code ?? "unknown error"})`,
    "check the disk and the path",
  ];
  return {
    severity: "error",
    code: code === "ENOENT" || code === "ENOTDIR" ? "LEG1001" : "LEG1005",
    summary,
    detail,
    file,
    shown,
  };
}

const missing = [
  "no such file or folder",
  "check the path; a link whose target is gone counts as missing",
] as const;
const reasons: Readonly<Record<string, readonly [summary: string, detail: string]>> = {
  ENOENT: missing,
  ENOTDIR: missing,
  EACCES: [
    "it cannot be read: permission denied",
    "give the user that runs legion the right to read it",
  ],
  EPERM: [
    "it cannot be read: permission denied",
    "give the user that runs legion the right to read it",
  ],
  ELOOP: ["the link leads back to itself", "remove the link, or point it at a file"],
  ENAMETOOLONG: ["the path is too long", "name a shorter path"],
};

interface FileType {
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
}

/** The fault of something that is not a regular file where one is needed. */
export function notAFile(path: string, cwd: string, type: FileType): Fault {
  const noun = nounOf(type);
  const detail = type.isDirectory()
    ? "a name that ends in .yaml, .yml or .json is a file: give the folder another name"
    : "put a regular file there, or remove it";
  return {
    severity: "error",
    code: "LEG1003",
    summary: `it is ${noun}, not a regular file`,
    detail,
    file: path,
    shown: shownPath(path, cwd),
  };
}

/** What something is that is not a regular file. */
export function nounOf(type: FileType): string {
  if (type.isDirectory()) return "a folder";
  if (type.isFIFO()) return "a named pipe";
  if (type.isSocket()) return "a socket";
  return "a device";
}
