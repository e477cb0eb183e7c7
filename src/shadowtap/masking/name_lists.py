"""The names that `Names` knows: words in lower case, with _ where another separator or none may stand."""

CREDENTIALS = """
access_key_id api_key_id app_key assertion auth auth_code authorization authorization_code aws_access_key_id
backup_code backup_codes bearer client_assertion code_verifier connection_string cookie cookies credential
credentials csrf login_ticket mfa_code one_time_code otp pass passwort proxy_authorization recovery_code
recovery_codes reset_code saml_request saml_response sas_url security_answer security_code set_cookie sid
sms_code tokens two_factor_code verification_code x_amz_credential x_goog_credential xsrf
"""
"""Whole names of credentials, anywhere."""

PERSONAL = """
account_holder account_number address1 address2 address_line1 address_line2 bank_account birth_date birth_name
birthday card_holder card_holder_name card_no card_num card_number card_pin cc_num cc_number cell_phone
contact_phone cpf credit_card csc curp customer_phone cvc cvc2 cvv cvv2 date_of_birth dob driver_license
drivers_license e_mail email email_address family_name first_name full_name given_name home_address home_phone
iban last_name maiden_name middle_name mobile mobile_no mobile_number mobile_phone msisdn name_on_card
national_id nino pan passport passport_no passport_number personal_id phone phone_no phone_number pin
routing_number social_security social_security_number sort_code ssn street street1 street2 street_address
street_name surname tax_id tax_number tel telephone telephone_number track1 track2 user_email work_phone
"""
"""Whole names of personal data and of what money can be had with, anywhere."""

ENDINGS = """
access_key account_key api_key api_secret auth_key card_number csrf cvc cvv encryption_key jsessionid jwt otp
pass_code pass_phrase pass_wd pass_word private_key pwd secret secret_key sess_id session session_id session_key
shared_key signature signing_key subscription_key token
"""
"""How names of secrets end, of parameters and fields."""

PARAMETERS = """
code credential key oauth_verifier sas sig ticket
"""
"""Whole names that are secret in queries and forms only: elsewhere they mean anything."""

HEADERS = """
authentication_info cf_access_jwt_assertion dpop proxy_authentication_info signature ssl_client_cert
x_amz_server_side_encryption_customer_key x_amzn_oidc_data x_client_cert x_forwarded_client_cert
x_forwarded_tls_client_cert x_goog_iap_jwt_assertion x_hub_signature_256 x_ms_client_principal
x_shopify_hmac_sha256 x_ssl_client_cert x_wsse
"""
"""Whole names of header fields beside those that hold credentials or cookies."""

HEADER_ENDINGS = """
access_key access_token api_key api_secret auth_key credential credentials functions_key jwt passwd password
secret session session_id signature subscription_key token
"""
"""How names of header fields end that are secret."""

NO_SECRETS = """
accesscontrolallowcredentials continuationtoken nextcontinuationtoken nextpagetoken nextsynctoken nexttoken
pagetoken previouspagetoken prevpagetoken synctoken
"""
"""Names that end like those of secrets and are none: places in lists, a switch of CORS."""
