/**
 * `npm run bench [-- NAME…]`: every benchmark beside this file, or those named. Each is seeded and warmed and prints the
 * median and the spread of its runs.
 */
import { glob } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';

const wanted = process.argv.slice(2);
const files: string[] = [];
for await (const file of glob('*.bench.ts', { cwd: import.meta.dirname })) files.push(file);
const names = files.map((file) => basename(file, '.bench.ts')).toSorted();
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}: there are ${names.join(', ')}\n`);
  process.exit(2);
}

const cpu = cpus();
console.log(
  `${cpu[0]?.model ?? 'unknown CPU'}, ${cpu.length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ` +
    `Node ${process.version}, ${process.platform} ${process.arch}`,
);
for (const name of wanted.length > 0 ? wanted : names) {
  console.log(`\n${name}`);
  const benchmark: { readonly run: () => Promise<void> } = await import(
    join(import.meta.dirname, `${name}.bench.ts`)
  );
  await benchmark.run();
}
