import { shownName } from './open-files.ts';

/** What was dropped on the page: files, or why they are not taken. */
export type Dropped =
  | { readonly kind: 'files'; readonly files: readonly File[] }
  | { readonly kind: 'refused'; readonly message: string };

/** As much of a `DataTransfer` as is looked at. */
interface Transfer {
  readonly items: Iterable<{
    readonly webkitGetAsEntry: () => Pick<FileSystemEntry, 'name' | 'isDirectory'> | null;
  }>;
  readonly files: Iterable<File> & { readonly length: number };
}

/** Reads what was dropped; a folder is told apart while the event is there, for later it looks like a file that cannot be read. */
export function droppedFiles({ items, files }: Transfer): Dropped {
  const folder = [...items].map((item) => item.webkitGetAsEntry()).find((entry) => entry?.isDirectory);
  if (folder !== undefined && folder !== null) {
    return {
      kind: 'refused',
      message: `${shownName(folder.name)} is a folder: open it and choose the files in it, or pack it as .zip.`,
    };
  }
  if (files.length === 0) return { kind: 'refused', message: 'What was dropped is not a file.' };
  return { kind: 'files', files: [...files] };
}
