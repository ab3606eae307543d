import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs a program to its end, while others go on. Fails with what it said. */
export async function run(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): Promise<void> {
  await promisify(execFile)(program, args, { env, cwd }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${[program, ...args].join(" ")}: ${stdout}${stderr}`, { cause: error });
  });
}
