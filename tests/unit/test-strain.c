/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitord/strain: pressure on memory and power supplies, from files as kernels write them. */
#include "monitord/strain.h"

#include "tests/unit/test.h"

static Strain read_fixture(void)
{
	char pressure[96], power[96];
	Strain strain;

	(void)snprintf(pressure, sizeof pressure, "%s/memory", fixture_path);
	(void)snprintf(power, sizeof power, "%s/power", fixture_path);
	const StrainPlaces places = {.pressure = pressure, .power = power};
	strain_read(&places, &strain);
	return strain;
}

static void test_pressure(void **state)
{
	static const struct {
		const char *text;
		double percent;
	} rows[] = {
		{"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=9.00\n", 0},
		{"some avg10=12.34 avg60=0.00 avg300=0.00 total=0\n", 12.34},
		{"some avg10=100.00 avg60=", 100},
		{"some avg10=7", 7},
		{"some avg10=99999999999999999999999.5", 0},
		{"some avg10=5.999999", 5.99},
		{"full avg10=50.00\nsome avg10=60.00\n", 0},
		{"some avg10=-1", 0},
		{"some avg10=", 0},
		{"", 0},
	};

	(void)state;
	assert_true(read_fixture().memory_percent == 0); /* a kernel without PSI */
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		fixture_file("memory", rows[i].text);
		double percent = read_fixture().memory_percent;
		assert_true(percent > rows[i].percent - 0.001 && percent < rows[i].percent + 0.001);
	}
}

static void write_supply(
	const char *name, const char *type, const char *file, const char *value, const char *scope)
{
	char path[96];

	(void)snprintf(path, sizeof path, "power/%s/type", name);
	fixture_file(path, type);
	(void)snprintf(path, sizeof path, "power/%s/%s", name, file);
	fixture_file(path, value);
	if (scope) {
		(void)snprintf(path, sizeof path, "power/%s/scope", name);
		fixture_file(path, scope);
	}
}

static void test_power(void **state)
{
	(void)state;
	assert_false(read_fixture().battery); /* no such folder: a machine without supplies */
	write_supply("hidpp_battery_0", "Battery\n", "status", "Discharging\n", "Device\n");
	assert_false(read_fixture().battery); /* a mouse */
	write_supply("BAT0", "Battery\n", "status", "Charging\n", NULL);
	assert_false(read_fixture().battery);
	write_supply("AC", "Mains\n", "online", "0\n", NULL);
	assert_false(read_fixture().battery);
	write_supply("BAT0", "Battery\n", "status", "Discharging\n", NULL);
	assert_true(read_fixture().battery);
	write_supply("ucsi-source-psy-1", "USB\n", "online", "1\n", NULL);
	assert_false(read_fixture().battery); /* charged over USB-C */
	write_supply("ucsi-source-psy-1", "USB\n", "online", "0\n", NULL);
	assert_true(read_fixture().battery);
	write_supply("AC", "Mains\n", "online", "1\n", NULL);
	assert_false(read_fixture().battery); /* a weak adapter: mains all the same */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pressure, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_power, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
