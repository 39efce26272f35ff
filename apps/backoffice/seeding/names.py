"""Names of the demo bank's people, businesses and places. Invented combinations; any likeness is accidental."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LOGIN = ("Brian", "Kiprop")  # the member of the demo login
LOGIN_EMAIL = "member@numina.example"

WOMEN = _words(
    "Achieng Adhiambo Aisha Akinyi Akoth Amina Anyango Asha Atieno Auma Awino Beatrice Caroline Chebet Chelangat "
    "Chepkemoi Chepkoech Damaris Doreen Dorcas Esther Eunice Everlyne Fatuma Faith Florence Gladys Grace Halima "
    "Hellen Irene Jacinta Jane Janet Jebet Jelagat Joyce Judith Kanini Khadija Lilian Loise Lucy Lydia Margaret "
    "Mary Mercy Mumbua Mwende Mwikali Nafula Naliaka Nancy Nasimiyu Nekesa Njeri Njoki Nyambura Nyokabi Purity "
    "Rehema Rose Ruth Saida Salome Sarah Sharon Stella Syombua Tabitha Uwase Veronica Wairimu Wambui Wangari "
    "Wangui Wanjiku Wanjiru Winnie Zainab Zawadi Zuhura"
)
MEN = _words(
    "Abdi Ali Amos Benard Boniface Charles Cheruiyot Collins Daniel David Dennis Dominic Edwin Elijah Emmanuel "
    "Eric Evans Felix Francis Geoffrey George Gideon Hassan Hussein Ibrahim Isaac Jackson James John Jomo Joseph "
    "Juma Kamau Kariuki Kelvin Kennedy Kevin Kiprono Kiptoo Kimani Kipchumba Kyalo Leonard Luka Maina Martin "
    "Maurice Michael Mohamed Moses Mugisha Musa Mutua Mwangi Mwendwa Nelson Ngugi Nicholas Odhiambo Ochieng "
    "Omondi Onyango Otieno Ouma Patrick Paul Peter Philip Raphael Robert Rashid Salim Samuel Simon Stephen "
    "Suleiman Timothy Titus Tumaini Victor Vincent Wafula Wanyama Yusuf Zablon"
)
FAMILIES = _words(
    "Abdalla Achola Adan Ahmed Akello Amollo Anyona Apiyo Arap Barasa Bett Bosire Bwire Chege Chelimo Chepkwony "
    "Cherono Choge Gachanja Gathoni Gichuki Gitau Githinji Gitonga Hamisi Ireri Juma Kagendo Kagwe Kahiga Kamande "
    "Karanja Kariuki Karimi Kaunda Keter Kibet Kibwana Kigen Kilonzo Kimathi Kimeu Kinyanjui Kinyua Kioko "
    "Kipkemboi Kiplagat Kirui Kisilu Kithinji Koech Korir Kosgei Langat Limo Lumumba Macharia Maina Makena "
    "Makokha Malonza Maritim Mboya Mbugua Mburu Mohamud Momanyi Mugo Muiruri Mukami Muli Munene Murage Muriithi "
    "Musyoka Musyoki Mutai Muthoni Mutiso Mutua Mwakio Mwamba Mwangi Mwaura Mwinyi Nabwire Ndegwa Nderitu "
    "Ndirangu Ndolo Ngala Ngetich Ngugi Njenga Njoroge Njuguna Noor Nyaga Nyamweya Nyang'au Nyong'o Obiero Ochola "
    "Odera Odinga Odongo Ogola Ogutu Okello Okoth Oloo Omar Omollo Omwamba Ondieki Onyancha Opiyo Orina Osoro "
    "Owino Owuor Rono Rotich Ruto Said Sang Sigei Simiyu Sitati Too Tuwei Wachira Wafula Wainaina Waithaka Wambua "
    "Wamalwa Wanyonyi Were Yegon"
)

BUSINESS_FIRST = _words(
    "Acacia Amani Baraka Bahari Baobab Blue Nile Boma Coast Eastlands Faraja Fanaka Green Valley Highlands Imani "
    "Jambo Jirani Kilele Kisima Lakeside Maisha Malindi Mapema Marula Mavuno Mkulima Mlima Mwangaza Neema Nuru "
    "Nyanza Pamoja Pwani Riverside Safina Savannah Simba Soko Tamu Tujenge Tumaini Uhuru Ujuzi Upendo Vuma Wema "
    "Zaidi Zawadi"
)
BUSINESS_TRADES = (
    ("Hardware", "Ltd"),
    ("Wholesalers", "Ltd"),
    ("Agrovet", ""),
    ("Pharmacy", "Ltd"),
    ("Bakery", ""),
    ("Motors", "Ltd"),
    ("Fresh Produce", "Ltd"),
    ("Textiles", "Ltd"),
    ("Supermarket", "Ltd"),
    ("Logistics", "Ltd"),
    ("Electricals", ""),
    ("Fish Traders", "Co-operative"),
    ("Dairy", "Co-operative"),
    ("Tea Growers", "Co-operative"),
    ("Catering", ""),
    ("Printers", "Ltd"),
    ("Timber", "Ltd"),
    ("Academy", ""),
    ("Medical Centre", "Ltd"),
    ("Tours", "Ltd"),
)
EMPLOYERS = (
    "Ridgeway Tea Packers Ltd",
    "County Health Services",
    "Lakeview Sugar Company",
    "Teachers Service Payroll",
    "Pwani Port Services Ltd",
    "Savannah Telecom Ltd",
    "Highlands Flower Farm",
    "Eastlands Garments EPZ",
    "Mlima Cement Ltd",
    "Bahari Beach Hotels",
    "Kisima Water Company",
    "Nuru Power Distribution",
    "Umoja Insurance Ltd",
    "Jirani Supermarkets Ltd",
    "Rift Dairies Ltd",
    "Coast Freight Forwarders",
    "Mwangaza Hospital",
    "Safina Logistics Ltd",
    "Lakeside University",
    "Baobab Software Ltd",
)
ABROAD = (
    "Horizon Relief International",
    "Blue Crane Consulting GmbH",
    "Northgate Software Inc",
    "Atlas Research Institute",
    "Meridian Shipping BV",
    "Cedar Health Foundation",
)
SCHOOLS = (
    "Hillcrest Primary School",
    "Lake View Academy",
    "St Monica Girls High School",
    "Uhuru Boys High School",
    "Green Valley School",
    "Bidii Technical College",
    "Bahari Secondary School",
    "Maua Girls School",
    "Mlimani Primary School",
    "Tumaini Children's Academy",
    "Coast Polytechnic",
    "Riverbank High School",
)
LANDLORDS = (
    "Kilele Properties",
    "Mwanzo Estates",
    "Greenpark Apartments",
    "Lakeside Lettings",
    "Nyali Heights Management",
    "Umoja Housing Co-operative",
    "Jamii Rentals",
)
SHOPS = (
    "Jirani Supermarket",
    "Mapema Butchery",
    "Tamu Bakery",
    "Soko Fresh Grocers",
    "Faraja Pharmacy",
    "City Fuel Station",
    "Blue Bus Sacco",
    "Mwangaza Bookshop",
    "Kisima Hardware",
    "Nyama Grill",
    "Urembo Salon",
    "Boda Connect",
    "Uzuri Fashions",
    "Star Electronics",
    "Pwani Fish Market",
    "Coffee Corner",
    "Afya Clinic",
    "Mkulima Agrovet",
)
BILLERS = (
    "Nuru Power prepaid tokens",
    "Kisima Water bill",
    "Savannah Fibre internet",
    "Zuku View television",
    "County parking",
)
LENDERS = ("Umoja Sacco", "Jamii Housing Fund", "Car Loans East Africa", "Higher Education Loans", "Safari Insurance")
LARGE_SPENDINGS = (
    ("Plot instalment", "Greenfield Land Ltd"),
    ("Units bought", "Baobab Money Market Fund"),
    ("Treasury bond", "Central securities depository"),
    ("Car purchase", "Nyali Motors Ltd"),
    ("Building materials", "Kisima Hardware"),
    ("Dowry and wedding", "Wedding committee"),
    ("Dairy cow", "Rift Livestock Market"),
)
SUPPLIERS = (
    "Mlima Distributors Ltd",
    "Pwani Millers Ltd",
    "Rift Dairies Ltd",
    "Savannah Beverages Ltd",
    "Kilimo Seeds Ltd",
    "Atlas Packaging Ltd",
)


class Place:
    """A branch of the demo bank with the towns around it, where its members live."""

    __slots__ = ("address", "atms", "code", "email", "name", "phone", "share", "towns")

    def __init__(self, code: str, name: str, address: str, share: float, towns: str, atms: tuple[str, ...]) -> None:
        self.code = code
        self.name = name
        self.address = address
        self.share = share
        self.towns = towns.split(",")
        self.atms = atms
        self.phone = {"NBO": "+254709000100", "KSM": "+254709000200", "MSA": "+254709000300"}[code]
        self.email = f"{name.lower()}@numina.example"


PLACES = (
    Place(
        "NBO",
        "Westlands",
        "Mpaka Road 14, Westlands, Nairobi",
        0.5,
        "Nairobi,Kiambu,Thika,Ruiru,Machakos,Ngong,Limuru,Naivasha",
        ("ATM Westlands", "ATM Moi Avenue", "ATM Thika Road"),
    ),
    Place(
        "KSM",
        "Kisumu",
        "Oginga Odinga Street 3, Kisumu",
        0.27,
        "Kisumu,Siaya,Homa Bay,Kakamega,Busia,Kericho,Migori,Bondo",
        ("ATM Kisumu Main", "ATM Mega Plaza"),
    ),
    Place(
        "MSA",
        "Mombasa",
        "Nkrumah Road 21, Mombasa",
        0.23,
        "Mombasa,Likoni,Kilifi,Malindi,Voi,Diani,Mtwapa,Lamu",
        ("ATM Mombasa Old Town", "ATM Nyali"),
    ),
)
