import type { SimulationSettings } from './drive.ts';

/** Settings as somebody types them; rates are texts in per cent. */
export type TypedSettings = Readonly<Record<keyof SimulationSettings, string>>;

interface Setting {
  readonly label: string;
  readonly help: string;
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

/** What may be set, and between what. */
export const SETTINGS = {
  listeners: {
    label: 'Listeners',
    help: 'How many come.',
    least: 1,
    most: 20_000,
    isWhole: true,
  },
  visits: {
    label: 'Lists each',
    help: 'How often each comes.',
    least: 1,
    most: 20,
    isWhole: true,
  },
  clickRate: {
    label: 'Click rate, %',
    help: 'Lists of the control with a click.',
    least: 0,
    most: 50,
    isWhole: false,
  },
  uplift: {
    label: 'More for treatments, %',
    help: 'How much likelier their lists are clicked, whatever ranks them. 0 makes an A/A test.',
    least: -100,
    most: 100,
    isWhole: false,
  },
} as const satisfies Readonly<Record<keyof SimulationSettings, Setting>>;

export const SETTING_NAMES = [
  'listeners',
  'visits',
  'clickRate',
  'uplift',
] as const satisfies readonly (keyof SimulationSettings)[];

/** What is wrong, by setting. */
export function problemsOfSettings(
  typed: TypedSettings,
): Readonly<Partial<Record<keyof SimulationSettings, string>>> {
  const problems: Partial<Record<keyof SimulationSettings, string>> = {};
  for (const name of SETTING_NAMES) {
    const { least, most, isWhole }: Setting = SETTINGS[name];
    const value = typed[name].trim() === '' ? NaN : Number(typed[name]);
    if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) continue;
    problems[name] = `Use ${isWhole ? 'a whole number' : 'a number'} from ${least} to ${most}.`;
  }
  return problems;
}

/** @returns `null` while something is wrong. */
export function settingsOf(typed: TypedSettings): SimulationSettings | null {
  if (Object.keys(problemsOfSettings(typed)).length > 0) return null;
  return {
    listeners: Number(typed.listeners),
    visits: Number(typed.visits),
    clickRate: Number(typed.clickRate) / 100,
    uplift: Number(typed.uplift) / 100,
  };
}
