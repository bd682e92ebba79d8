/**
 * What the page needs of core: exports of listening, read where they are. Nothing here trains or serves, so a browser loads
 * only this.
 *
 * @module
 */
export { EncoreError, isEncoreError } from './errors.ts';
export { checkEntryCount, chooseEntries, entryName } from './import/choose-entries.ts';
export {
  importListens,
  type ImportLimits,
  type ImportResult,
  type ImportSource,
} from './import/import-listens.ts';
export {
  IMPORT_FORMATS,
  SKIP_REASONS,
  type ImportFormat,
  type ImportReport,
} from './import/import-report.ts';
