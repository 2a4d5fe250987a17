-- title: COVID-19 by state and day
-- description: Every figure of every state and day as it was ingested, nothing computed
-- sources: [covid.states_daily]
-- columns:
--   date: {caption: Date, description: "The day the figures are of"}
--   state: {caption: State, description: "The state"}
--   death: {caption: Death, description: "Deaths, confirmed and probable"}
--   death_confirmed: {caption: Death confirmed, description: "Deaths with a confirmed case"}
--   death_increase: {caption: Death increase, description: "Deaths more than the day before"}
--   death_probable: {caption: Death probable, description: "Deaths with a probable case"}
--   hospitalized_cumulative:
--     caption: Hospitalized cumulative
--     description: "People who were ever in hospital"
--   hospitalized_currently:
--     caption: Hospitalized currently
--     description: "People in hospital on this day"
--   hospitalized_increase:
--     caption: Hospitalized increase
--     description: "People ever in hospital, more than the day before"
--   in_icu_cumulative:
--     caption: In ICU cumulative
--     description: "People who were ever in intensive care"
--   in_icu_currently:
--     caption: In ICU currently
--     description: "People in intensive care on this day"
--   negative: {caption: Negative, description: "People with a completed negative PCR test"}
--   negative_increase:
--     caption: Negative increase
--     description: "Negative tests more than the day before"
--   negative_tests_antibody:
--     caption: Negative tests antibody
--     description: "Negative antibody tests, specimens"
--   negative_tests_people_antibody:
--     caption: Negative tests people antibody
--     description: "People with a negative antibody test"
--   negative_tests_viral:
--     caption: Negative tests viral
--     description: "Negative PCR tests, specimens"
--   on_ventilator_cumulative:
--     caption: On ventilator cumulative
--     description: "People who were ever on a ventilator"
--   on_ventilator_currently:
--     caption: On ventilator currently
--     description: "People on a ventilator on this day"
--   positive: {caption: Positive, description: "Cases, confirmed and probable"}
--   positive_cases_viral: {caption: Positive cases viral, description: "Cases confirmed by PCR"}
--   positive_increase: {caption: Positive increase, description: "Cases more than the day before"}
--   positive_tests_antibody:
--     caption: Positive tests antibody
--     description: "Positive antibody tests, specimens"
--   positive_tests_antigen:
--     caption: Positive tests antigen
--     description: "Positive antigen tests, specimens"
--   positive_tests_people_antibody:
--     caption: Positive tests people antibody
--     description: "People with a positive antibody test"
--   positive_tests_people_antigen:
--     caption: Positive tests people antigen
--     description: "People with a positive antigen test"
--   positive_tests_viral:
--     caption: Positive tests viral
--     description: "Positive PCR tests, specimens"
--   recovered: {caption: Recovered, description: "People who recovered"}
--   total_test_encounters_viral:
--     caption: Total test encounters viral
--     description: "People tested by PCR a day, added up"
--   total_test_encounters_viral_increase:
--     caption: Total test encounters viral increase
--     description: "Test encounters more than the day before"
--   total_test_results:
--     caption: Total test results
--     description: "Total tests in the unit the state prefers"
--   total_test_results_increase:
--     caption: Total test results increase
--     description: "Total tests more than the day before"
--   total_tests_antibody: {caption: Total tests antibody, description: "Antibody tests, specimens"}
--   total_tests_antigen: {caption: Total tests antigen, description: "Antigen tests, specimens"}
--   total_tests_people_antibody:
--     caption: Total tests people antibody
--     description: "People tested for antibodies"
--   total_tests_people_antigen:
--     caption: Total tests people antigen
--     description: "People tested for antigens"
--   total_tests_people_viral:
--     caption: Total tests people viral
--     description: "People tested by PCR"
--   total_tests_people_viral_increase:
--     caption: Total tests people viral increase
--     description: "People tested by PCR, more than the day before"
--   total_tests_viral: {caption: Total tests viral, description: "PCR tests, specimens"}
--   total_tests_viral_increase:
--     caption: Total tests viral increase
--     description: "PCR tests more than the day before"
--   positive_negative:
--     caption: Positive negative
--     description: "Cases and negative people together"
--   last_update: {caption: Last update, description: "When the row was ingested or last changed"}
-- order: [date desc, state]
-- schedule: "50 5 * * *"

SELECT date, state, death, death_confirmed, death_increase, death_probable,
    hospitalized_cumulative, hospitalized_currently, hospitalized_increase, in_icu_cumulative,
    in_icu_currently, negative, negative_increase, negative_tests_antibody,
    negative_tests_people_antibody, negative_tests_viral, on_ventilator_cumulative,
    on_ventilator_currently, positive, positive_cases_viral, positive_increase,
    positive_tests_antibody, positive_tests_antigen, positive_tests_people_antibody,
    positive_tests_people_antigen, positive_tests_viral, recovered, total_test_encounters_viral,
    total_test_encounters_viral_increase, total_test_results, total_test_results_increase,
    total_tests_antibody, total_tests_antigen, total_tests_people_antibody,
    total_tests_people_antigen, total_tests_people_viral, total_tests_people_viral_increase,
    total_tests_viral, total_tests_viral_increase, positive_negative, last_update
FROM covid.states_daily
