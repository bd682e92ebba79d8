/**
 * Exports of listening, read where they are, which may be a browser: nothing here trains or serves.
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
