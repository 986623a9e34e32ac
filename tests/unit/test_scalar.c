#include "core/scalar.h"

#include <string.h>

#include "suite.h"

START_TEST(sizes_have_units)
{
	static const struct {
		const char *text;
		enum size_kind kind;
		uint64_t amount;
		const char *printed;
	} rows[] = {
		{ "512MiB", SIZE_BYTES, 536870912, "512MiB" },
		{ "512 mib", SIZE_BYTES, 536870912, "512MiB" },
		{ "1024MiB", SIZE_BYTES, 1073741824, "1GiB" },
		{ "1GB", SIZE_BYTES, 1000000000, "1GB" },
		{ "1.5GB", SIZE_BYTES, 1500000000, "1500MB" },
		{ "0.1GiB", SIZE_BYTES, 107374182, "107374182B" },
		{ "3KiB", SIZE_BYTES, 3072, "3KiB" },
		{ "3KB", SIZE_BYTES, 3000, "3KB" },
		{ "2TiB", SIZE_BYTES, UINT64_C(2) << 40, "2TiB" },
		{ "2TB", SIZE_BYTES, UINT64_C(2000000000000), "2TB" },
		{ "0B", SIZE_BYTES, 0, "0B" },
		{ "25%", SIZE_PERCENT, 2500, "25%" },
		{ "12.5 %", SIZE_PERCENT, 1250, "12.5%" },
		{ "0.05%", SIZE_PERCENT, 5, "0.05%" },
		{ "auto", SIZE_AUTO, 0, "auto" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct size size;
		char line[60];
		struct text out = TEXT_IN(line);
		ck_assert_msg(size_parse(rows[i].text, &size) == 0, "%s", rows[i].text);
		ck_assert_int_eq(size.kind, rows[i].kind);
		ck_assert_uint_eq(size.amount, rows[i].amount);
		size_print(&size, &out);
		ck_assert_str_eq(line, rows[i].printed);
	}
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
	static const char *const rows[] = {
		"",
		"512",
		"MiB",
		"512M",
		"-1MiB",
		"512MiBs",
		"512  ",
		"1.GB",
		".5GB",
		"1e3MB",
		"1,5GB",
		"0x10MB",
		"Auto",
		"auto ",
		"5%%",
		"1.255%",
		"1.0000001GB",
		"99999999999TB",
		"99999999999999999999B",
		"18446744073709551615TiB",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct size size = { SIZE_BYTES, 7 };
		ck_assert_msg(size_parse(rows[i], &size) == -1, "%s", rows[i]);
		ck_assert_uint_eq(size.amount, 7);
	}
}
END_TEST

START_TEST(times_have_units)
{
	static const struct {
		const char *text;
		msec_t t;
		const char *printed;
	} rows[] = {
		{ "500ms", 500, "500ms" },
		{ "5s", 5000, "5s" },
		{ "5 s", 5000, "5s" },
		{ "1.5s", 1500, "1500ms" },
		{ "10m", 600000, "10m" },
		{ "60s", 60000, "1m" },
		{ "90s", 90000, "90s" },
		{ "1h", 3600000, "1h" },
		{ "1h30m", 5400000, "90m" },
		{ "1m 30s", 90000, "90s" },
		{ "1h1ms", 3600001, "3600001ms" },
		{ "0", 0, "0" },
		{ "0s", 0, "0" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		msec_t t;
		char line[60];
		struct text out = TEXT_IN(line);
		ck_assert_msg(time_parse(rows[i].text, &t) == 0, "%s", rows[i].text);
		ck_assert_int_eq(t, rows[i].t);
		time_print(t, &out);
		ck_assert_str_eq(line, rows[i].printed);
	}
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const rows[] = {
		"",
		"5",
		"s",
		"5sec",
		"5 seconds",
		"-5s",
		"5d",
		"0.1ms",
		"1.s",
		"5s,",
		"00",
		"off",
		"9999999999999999h",
		"9223372036854775807ms",
		"1H",
		"1h30",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		msec_t t = 7;
		ck_assert_msg(time_parse(rows[i], &t) == -1, "%s", rows[i]);
		ck_assert_int_eq(t, 7);
	}
}
END_TEST

START_TEST(strikes_are_so_many_of_so_many)
{
	struct strikes s;
	char line[20];
	struct text out = TEXT_IN(line);
	ck_assert_int_eq(strikes_parse("3 of 5", &s), 0);
	ck_assert_uint_eq(s.needed, 3);
	ck_assert_uint_eq(s.window, 5);
	strikes_print(&s, &out);
	ck_assert_str_eq(line, "3 of 5");
	static const char *const bad[] = {
		"",        "3",   "3of5",    "0 of 5",           "6 of 5", "3 of",
		"3 of 5 ", "3/5", "-3 of 5", "3 of 99999999999", "3 off 5"
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(strikes_parse(bad[i], &s) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(status_codes_come_in_ranges)
{
	static const struct {
		const char *text;
		unsigned len;
		const char *printed;
	} rows[] = {
		{ "200", 1, "200" },
		{ "200-399, 404", 2, "200-399, 404" },
		{ "200-399,404", 2, "200-399, 404" },
		{ " 100-100 , 599 ", 2, "100, 599" },
		{ "200,201,202,203,204,205,206,207", 8, "200, 201, 202, 203, 204, 205, 206, 207" },
		{ "default", 0, "default" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct status_ranges s;
		char line[80];
		struct text out = TEXT_IN(line);
		ck_assert_msg(status_parse(rows[i].text, &s) == 0, "%s", rows[i].text);
		ck_assert_uint_eq(s.len, rows[i].len);
		status_print(&s, &out);
		ck_assert_str_eq(line, rows[i].printed);
	}
	static const char *const bad[] = {
		"",        ",",       "200,", "99",   "600",
		"300-200", "200 201", "2xx",  "200-", "200,201,202,203,204,205,206,207,208"
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct status_ranges s = { .len = 7 };
		ck_assert_msg(status_parse(bad[i], &s) == -1, "%s", bad[i]);
		ck_assert_uint_eq(s.len, 7);
	}
}
END_TEST

START_TEST(booleans_are_those_of_yaml)
{
	static const char *const yes[] = { "true", "yes", "on", "True", "YES" };
	static const char *const no[] = { "false", "no", "off", "False", "OFF" };
	bool value = false;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		ck_assert(bool_parse(yes[i], &value) == 0 && value);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		ck_assert(bool_parse(no[i], &value) == 0 && !value);
	ck_assert_int_eq(bool_parse("1", &value), -1);
	ck_assert_int_eq(bool_parse("", &value), -1);
}
END_TEST

START_TEST(percentages_need_their_sign)
{
	uint64_t value;
	ck_assert(percent_parse("1%", &value) == 0 && value == 100);
	ck_assert(percent_parse("100 %", &value) == 0 && value == 10000);
	ck_assert_int_eq(percent_parse("1", &value), -1);
	ck_assert_int_eq(percent_parse("0.001%", &value), -1);
	ck_assert_int_eq(percent_parse("-1%", &value), -1);
	ck_assert(count_parse("18446744073709551615", &value) == 0 && value == UINT64_MAX);
	ck_assert_int_eq(count_parse("18446744073709551616", &value), -1);
	ck_assert_int_eq(count_parse("+1", &value), -1);
}
END_TEST

SUITE("scalar", sizes_have_units, what_is_no_size_is_refused, times_have_units,
      what_is_no_time_is_refused, strikes_are_so_many_of_so_many, status_codes_come_in_ranges,
      booleans_are_those_of_yaml, percentages_need_their_sign)
