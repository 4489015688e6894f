import { test } from "node:test";
import assert from "node:assert/strict";
import { formatExponential, formatFixed, formatGeneral, formatGeneralInFull } from "../../lib/bytes/c_numbers.ts";

type Case = [value: number, precision: number, text: string];

function check(format: (value: number, precision: number) => string, cases: readonly Case[]): void {
  for (const [value, precision, text] of cases) assert.equal(format(value, precision), text, `${value}, ${precision}`);
}

test("exponents have a sign and two digits at least", () => {
  check(formatExponential, [
    [0, 0, "0e+00"],
    [-0, 2, "-0.00e+00"],
    [1, 6, "1.000000e+00"],
    [-12345.678, 3, "-1.235e+04"],
    [1e-7, 0, "1e-07"],
    [1.5e300, 1, "1.5e+300"],
    [9.99, 1, "1.0e+01"],
    [5e-324, 5, "4.94066e-324"],
  ]);
});

test("all digits before the point are written, however large the number", () => {
  check(formatFixed, [
    [0, 0, "0"],
    [-0, 1, "-0.0"],
    [3.14159, 2, "3.14"],
    [-0.001, 2, "-0.00"],
    [1e21, 0, "1000000000000000000000"],
    [1e23, 1, "99999999999999991611392.0"],
    [-(2 ** 100), 2, "-1267650600228229401496703205376.00"],
    [0.1, 55, "0.1000000000000000055511151231257827021181583404541015625"],
  ]);
  assert.match(formatFixed(Number.MAX_VALUE, 99), /^1797693134862315708145\d{282}58368\.0{99}$/);
});

test("the general form drops zeros at the end, and has an exponent where the number is large or small", () => {
  check(formatGeneral, [
    [0, 6, "0"],
    [-0, 6, "-0"],
    [100, 6, "100"],
    [100, 2, "1e+02"],
    [0.0001, 6, "0.0001"],
    [0.00001, 6, "1e-05"],
    [123456789, 6, "1.23457e+08"],
    [999999.5, 6, "1e+06"],
    [1.5, 0, "2"],
    [120, 3, "120"],
    [0.1, 17, "0.10000000000000001"],
    [1 / 3, 14, "0.33333333333333"],
  ]);
});

test("short decimals are written as they are where there are as many digits, and rounded where there are fewer", () => {
  check(formatGeneral, [
    [16.25, 5, "16.25"],
    [16.25, 4, "16.25"],
    [16.25, 3, "16.2"],
    [-81.25, 14, "-81.25"],
    [100000, 6, "100000"],
    [1000000, 6, "1e+06"],
    [0.00012345, 14, "0.00012345"],
    [0.000012345, 14, "1.2345e-05"],
    [99999999999999, 14, "99999999999999"],
    [100000000000000, 14, "1e+14"],
    [1e20, 14, "1e+20"],
    [1e21, 14, "1e+21"],
    [0.1 + 0.2, 14, "0.3"],
    [0.1, 15, "0.1"],
    [0.1, 18, "0.100000000000000006"],
  ]);
});

test("in full it keeps them", () => {
  check(formatGeneralInFull, [
    [0, 6, "0.00000"],
    [1, 3, "1.00"],
    [100, 3, "100"],
    [100, 2, "1.0e+02"],
    [1e-5, 4, "1.000e-05"],
  ]);
});

test("of two that are equally near, the even one is taken", () => {
  check(formatFixed, [
    [0.5, 0, "0"],
    [1.5, 0, "2"],
    [2.5, 0, "2"],
    [-2.5, 0, "-2"],
    [0.125, 2, "0.12"],
    [0.375, 2, "0.38"],
    [1.005, 2, "1.00"],
    [99.5, 0, "100"],
  ]);
  check(formatExponential, [
    [9.5, 0, "1e+01"],
    [25, 0, "2e+01"],
    [35, 0, "4e+01"],
    [6.5e22, 0, "6e+22"],
    [8.5, 0, "8e+00"],
    [1.5e-5, 0, "2e-05"], // none: the double is above the decimal
    [2 ** -11, 9, "4.882812500e-04"],
    [2 ** -11, 6, "4.882812e-04"],
  ]);
  check(formatGeneral, [
    [100000000000000.125, 17, "100000000000000.12"],
    [68050941354426.5, 14, "68050941354426"],
    [2500000, 1, "2e+06"],
  ]);
});

test("a hundred digits are exact", () => {
  assert.equal(
    formatExponential(1e-308, 99),
    "9.999999999999999093266253372484619954704887340320456937072250493316478813410022170236685306110285952e-309",
  );
  assert.equal(
    formatGeneral(2 ** -1074, 99),
    "4.94065645841246544176568792868221372365059802614324764425585682500675507270208751865299836361635992e-324",
  );
});
