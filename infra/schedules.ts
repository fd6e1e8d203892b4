/** The safety nets' clocks. A minute that is missed is made up for by the next one. */
import { sweep } from './functions.ts';

new sst.aws.CronV2('EachMinute', { schedule: 'rate(1 minute)', function: sweep.arn, event: { every: 'minute' } });
new sst.aws.CronV2('EachHour', { schedule: 'rate(1 hour)', function: sweep.arn, event: { every: 'hour' } });
