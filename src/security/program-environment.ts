/** What every program that Legion starts may know of the process; secrets of others are not among it. */
const baseVariables = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TMPDIR",
  "XDG_RUNTIME_DIR",
  "SYSTEMROOT",
] as const;

/** The variables of a process that a program gets: those of every program, and the further ones that are set. */
export function programEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  further: readonly string[],
): Record<string, string> {
  const names = [...baseVariables, ...further];
  return Object.fromEntries(
    names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
