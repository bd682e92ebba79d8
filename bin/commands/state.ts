/** Where `start` keeps its state between runs. @default `.encore` in the current folder */
export function stateDir(): string {
  return process.env['ENCORE_STATE'] ?? '.encore';
}
