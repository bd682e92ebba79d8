#!/usr/bin/env node
import { runEncore } from './run-encore.ts';

const code = await runEncore(process.argv.slice(2));
// A command that has come to its end may have set a code itself.
if (code !== 0) process.exitCode = code;
