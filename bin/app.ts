import { App } from 'aws-cdk-lib';
import { addStage } from '../lib/encore-app.ts';

addStage(new App());
